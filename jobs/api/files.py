"""Stored files as answers: not sent again to whoever has them."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from jobs.serving import stored


def file_tag(key: str) -> str:
    """The ETag of a stored file: the bytes under a key never change."""
    return f'"{key.replace("/", ".")}"'


def file_answer(
    request: Request, key: str, *, media_type: str, name: str, download: bool = True
) -> HttpResponseBase:
    """A file, a redirect to where it lies, or a 304; a key's bytes never change, so it makes the ETag."""
    etag = file_tag(key)
    known = get_conditional_response(request._request, etag=etag)
    if known is not None:
        return known
    response = stored(key, media_type=media_type, name=name, download=download, cache=False)
    if response.status_code == 200:
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
    return response

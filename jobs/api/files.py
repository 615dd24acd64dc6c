"""Stored files as responses, with ETags."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from jobs.serving import serve_file


def file_etag(key: str) -> str:
    """The ETag of a stored file. It is made from the key, because the bytes under a key never change."""
    return f'"{key.replace("/", ".")}"'


def file_response(
    request: Request, key: str, *, media_type: str, name: str, download: bool = True
) -> HttpResponseBase:
    """The file, a redirect to the store, or a 304."""
    etag = file_etag(key)
    known = get_conditional_response(request._request, etag=etag)
    if known is not None:
        return known
    response = serve_file(key, media_type=media_type, name=name, download=download, cache=False)
    if response.status_code == 200:
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
    return response

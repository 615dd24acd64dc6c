"""The URLs of the compatible APIs, for Django's router and for the ASGI fast path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from jobs.compat import rembg, removebg, responses
from jobs.compat.errors import early_error

# The caller awaits it. Django's own types have no asynchronous view.
View = Callable[[HttpRequest], Any]

REMOVEBG: Final = "/v1.0"
REMBG: Final = "/api/remove"
PREFIXES: Final = (REMOVEBG, REMBG)
_SLASHES: Final = re.compile("/{2,}")
VIEWS: Final[dict[str, View]] = {
    "/v1.0/removebg": removebg.removebg,
    "/v1.0/account": removebg.account,
    "/v1.0/improve": removebg.improve,
    "/api/remove": rembg.remove,
}


def is_ours(address: str) -> bool:
    """Whether a path belongs to one of these APIs, including unknown paths below their roots."""
    return any(_is_below(root, address) for root in PREFIXES)


def view_of(address: str) -> View:
    """The view of a path, with or without a trailing slash."""
    nothing = rembg.not_found if _is_below(REMBG, address) else removebg.not_found
    return VIEWS.get(address.rstrip("/"), nothing)


def error_format(address: str, code: str, sentence: str) -> HttpResponse | None:
    """Returns an error from before any view ran, in the format of the API at `address`; else None."""
    if _is_below(REMOVEBG, address):
        return responses.error_response(early_error(code, sentence))
    return rembg.error_response(early_error(code, sentence)) if _is_below(REMBG, address) else None


def _is_below(root: str, address: str) -> bool:
    """Whether a path is `root` or below it. A base URL with a trailing slash leads to //v1.0/removebg."""
    squeezed = _SLASHES.sub("/", address)
    return squeezed == root or squeezed.startswith(f"{root}/")


# CSRF-exempt: cookies do not authenticate here, so another site cannot act in a user's name.
urlpatterns = [
    *(path(address[1:] + slash, csrf_exempt(view)) for address, view in VIEWS.items() for slash in ("", "/")),
    re_path(r"^(?:/*)v1\.0(?:/|\Z)", csrf_exempt(removebg.not_found)),
    re_path(r"^(?:/*)api/+remove(?:/|\Z)", csrf_exempt(rembg.not_found)),
]

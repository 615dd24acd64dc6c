"""The addresses of other people's APIs, for Django's URLs and for the door."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from jobs.compat import rembg, removebg, responses
from jobs.compat.errors import of_front

# Awaited by whoever calls it; Django's own types know no asynchronous view.
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
    """Whether an address belongs to one of these APIs, also where it is none of theirs."""
    return any(_is_of(root, address) for root in PREFIXES)


def view_of(address: str) -> View:
    """What answers at an address, with or without a slash at its end."""
    nothing = rembg.nothing if _is_of(REMBG, address) else removebg.nothing
    return VIEWS.get(address.rstrip("/"), nothing)


def error_format(address: str, code: str, sentence: str) -> HttpResponse | None:
    """Returns an error from before any view ran, in the format of the API at `address`; else None."""
    if _is_of(REMOVEBG, address):
        return responses.refused(of_front(code, sentence))
    return rembg.told(of_front(code, sentence)) if _is_of(REMBG, address) else None


def _is_of(root: str, address: str) -> bool:
    """Whether an address is `root` or below. Base addresses that end in a slash lead to //v1.0/removebg."""
    squeezed = _SLASHES.sub("/", address)
    return squeezed == root or squeezed.startswith(f"{root}/")


# No cookie says who asks here, so that nobody else's page can ask in somebody's name.
urlpatterns = [
    *(path(address[1:] + slash, csrf_exempt(view)) for address, view in VIEWS.items() for slash in ("", "/")),
    re_path(r"^(?:/*)v1\.0(?:/|\Z)", csrf_exempt(removebg.nothing)),
    re_path(r"^(?:/*)api/+remove(?:/|\Z)", csrf_exempt(rembg.nothing)),
]

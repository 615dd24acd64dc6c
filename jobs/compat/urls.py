"""The addresses of other people's APIs, for Django's URLs and for the door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from jobs.compat import rembg, removebg

# Awaited by whoever calls it; Django's own types know no asynchronous view.
View = Callable[[HttpRequest], Any]

PREFIXES: Final = ("/v1.0/", "/api/remove")
VIEWS: Final[dict[str, View]] = {
    "/v1.0/removebg": removebg.removebg,
    "/v1.0/account": removebg.account,
    "/v1.0/improve": removebg.improve,
    "/api/remove": rembg.remove,
}


def view_of(address: str) -> View:
    """What answers at an address, with or without a slash at its end."""
    return VIEWS.get(address.rstrip("/"), removebg.nothing)


# No cookie says who asks here, so that nobody else's page can ask in somebody's name.
urlpatterns = [
    *(path(address[1:] + slash, csrf_exempt(view)) for address, view in VIEWS.items() for slash in ("", "/")),
    re_path(r"^v1\.0/", csrf_exempt(removebg.nothing)),
]

"""The addresses of other people's APIs, for Django's URLs and for the door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from jobs.compat import answers, rembg, removebg
from jobs.compat.errors import of_front

# Awaited by whoever calls it; Django's own types know no asynchronous view.
View = Callable[[HttpRequest], Any]

REMOVEBG: Final = "/v1.0/"
REMBG: Final = "/api/remove"
PREFIXES: Final = (REMOVEBG, REMBG)
VIEWS: Final[dict[str, View]] = {
    "/v1.0/removebg": removebg.removebg,
    "/v1.0/account": removebg.account,
    "/v1.0/improve": removebg.improve,
    "/api/remove": rembg.remove,
}


def view_of(address: str) -> View:
    """What answers at an address, with or without a slash at its end."""
    return VIEWS.get(address.rstrip("/"), removebg.nothing)


def words(address: str, code: str, sentence: str) -> HttpResponse | None:
    """What is refused before there is a request for a view; None where the address is nobody else's API."""
    if address.startswith(REMOVEBG):
        return answers.refused(of_front(code, sentence))
    return rembg.told(of_front(code, sentence)) if address.startswith(REMBG) else None


# No cookie says who asks here, so that nobody else's page can ask in somebody's name.
urlpatterns = [
    *(path(address[1:] + slash, csrf_exempt(view)) for address, view in VIEWS.items() for slash in ("", "/")),
    re_path(r"^v1\.0/", csrf_exempt(removebg.nothing)),
]

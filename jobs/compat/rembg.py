"""rembg's server API: GET and POST /api/remove. Always answers a PNG of the picture's own size."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from accounts.addresses import client_address
from accounts.models import Scope, User
from jobs.compat import answers, body, rate, running, sources
from jobs.compat.asking import Asker, asker, remembered, secret_of
from jobs.compat.body import File
from jobs.compat.errors import CompatError, short
from jobs.compat.guarding import guarded
from jobs.compat.sources import FETCH_SECONDS, spaceless
from jobs.fetching import FetchRefusedError, fetch
from jobs.services.calls import Call, Source
from jobs.services.submit import models
from jobs.services.uploads import limits
from jobs.threads import quickly
from segmentation import pictures
from segmentation.recipe import Background, Colour, Plain, Recipe, Transparent

# As FastAPI reads a bool.
_YES: Final = frozenset({"1", "true", "on", "yes", "t", "y"})
_NO: Final = frozenset({"0", "false", "off", "no", "f", "n"})
# What makes its edges better: read and checked, and of no effect on ours, which always are.
_EDGES: Final = ("dc", "vm")
# Thresholds of its alpha matting: read and checked, and of no effect on ours, which needs none.
_NUMBERS: Final = {"af": (240, 255), "ab": (10, 255), "ae": (10, 1_000_000)}
LOCAL: Final = frozenset({"127.0.0.1", "::1"})
# What programs do not send of themselves, but browsers for a page and proxies for somebody behind them do.
FOREIGN: Final = (
    "Origin",
    "Referer",
    "Sec-Fetch-Site",
    "Cookie",
    "Forwarded",
    "X-Forwarded-For",
    "X-Real-Ip",
    "Via",
)


class ParameterError(CompatError):
    """A parameter that is none, told as FastAPI tells it."""

    def __init__(
        self, name: str, sentence: str, value: str, kind: str = "value_error", *, of: str = "query"
    ) -> None:
        super().__init__("missing_source", sentence)
        self.place = {"type": kind, "loc": [of, name], "msg": sentence, "input": short(value)}


def told(error: CompatError) -> HttpResponse:
    """An error in the words of rembg's server."""
    if isinstance(error, ParameterError):
        return answers.shared(JsonResponse({"detail": [error.place]}, status=422))
    unknown = error.code in {"missing_api_key", "auth_failed"}
    headers = {**error.headers, "WWW-Authenticate": "Bearer"} if unknown else error.headers
    detail = error.detail or "Send a token: Authorization: Bearer …"
    status = 401 if unknown else error.status
    return answers.shared(JsonResponse({"detail": detail}, status=status, headers=headers))


@guarded("GET", "POST", words=told)
async def remove(request: HttpRequest) -> HttpResponseBase:
    """Remove the background of the picture at `url`, or of the field `file`."""
    who, call, again = await _begun(request)
    taken = await running.taken(call, who, again, as_json=False)
    return answers.finished(taken.content, taken.rendition, False, {})


async def _begun(request: HttpRequest) -> tuple[Asker, Call, Callable[[], Call]]:
    """Who asks, the job, and how to begin it anew: the rest of the request goes with this frame."""
    who, recipe, given = await quickly(_read, request)
    if isinstance(given, str):
        given = await sources.from_afar(who.user.pk, partial(_fetched, given), patient=True)
    return who, *await quickly(_begin, who, given, recipe)


def _read(request: HttpRequest) -> tuple[Asker, Recipe, File | str]:
    """Who asks for what, and the picture or its address."""
    who = _asker(request)
    running.WAITING.check(who.user.pk)
    query = request.META["QUERY_STRING"]
    if request.method != "POST":
        fields = body.read("", b"", query).fields
        if "url" not in fields:
            raise ParameterError("url", "Field required", "", "missing")
        return who, recipe_of(fields), fields["url"]
    address = body.read("", b"", query).fields
    # Its server takes the model from the form alone: many name one in the address that it never loads.
    if address.get("model") not in models():
        address.pop("model", None)
    said = body.read(request.headers.get("Content-Type", ""), body.received(request))
    if "file" not in said.files:
        raise ParameterError("file", "Field required", "", "missing", of="body")
    return who, recipe_of({**address, **said.fields}), said.files["file"]


def _asker(request: HttpRequest) -> Asker:
    if secret_of(request) or not settings.REMBG_API_LOCAL or not _is_local(request):
        return asker(request, Scope.SUBMIT)
    owner = User.objects.filter(email=settings.REMBG_API_LOCAL, is_active=True).first()
    if owner is None:
        raise CompatError("auth_failed", "The account that REMBG_API_LOCAL names is not here.")
    return remembered(request, Asker(owner, None))


def _is_local(request: HttpRequest) -> bool:
    """Whether a program of this very machine asks: no proxy in between, and no page in a browser."""
    try:
        request.get_host()
    except DisallowedHost:
        return False  # another name leads here, as with DNS rebinding
    return client_address(request) in LOCAL and not any(name in request.headers for name in FOREIGN)


async def nothing(request: HttpRequest) -> HttpResponseBase:
    """Any other address under /api/remove."""
    return told(CompatError("not_found", "Not Found"))


def recipe_of(fields: dict[str, str]) -> Recipe:
    """The recipe of rembg's parameters. Raises ParameterError."""
    for name, (default, most) in _NUMBERS.items():
        _number(fields, name, default, most)
    for name in _EDGES:
        _flag(fields, name)
    return Recipe(
        model=fields.get("model", settings.MODEL),
        refine="best" if _flag(fields, "a") else settings.COMPAT_REFINE,
        background=_background(fields),
        semitransparency=not _flag(fields, "ppm"),
        channels="alpha" if _flag(fields, "om") else "rgba",
    )


def _flag(fields: dict[str, str], name: str) -> bool:
    said = fields.get(name, "false").lower()
    if said not in _YES | _NO:
        raise ParameterError(name, f"{name} is true or false", said, "bool_parsing")
    return said in _YES


def _number(fields: dict[str, str], name: str, default: int, most: int) -> int:
    said = fields.get(name, str(default))
    if not said.isascii() or not said.isdigit() or len(said) > 9 or int(said) > most:
        raise ParameterError(name, f"{name} is a whole number from 0 to {most}", said, "int_parsing")
    return int(said)


def _background(fields: dict[str, str]) -> Background:
    if "bgc" not in fields:
        return Transparent()
    parts = [part.strip() for part in fields["bgc"].split(",")]
    fine = all(part.isascii() and part.isdigit() and len(part) <= 3 and int(part) <= 255 for part in parts)
    if len(parts) not in (3, 4) or not fine:
        raise ParameterError("bgc", "bgc is r,g,b,a, each from 0 to 255", fields["bgc"])
    colour = Colour(*map(int, parts))
    return Plain(colour) if colour.alpha else Transparent()


def _fetched(url: str) -> File:
    try:
        found = fetch(spaceless(url), max_bytes=settings.MAX_PICTURE_BYTES, seconds=FETCH_SECONDS)
    except FetchRefusedError as error:
        raise CompatError("failed_image_download", error.sentence) from error
    with found.file as file:
        return File(file.read(), found.name)


def _begin(who: Asker, file: File, recipe: Recipe) -> tuple[Call, Callable[[], Call]]:
    info = pictures.inspect(file.data, limits())
    pace = rate.take(who.user.pk, math.ceil(info.width * info.height / 1e6))
    if not pace.allowed:
        raise CompatError("rate_limit_exceeded", "Rate limit exceeded.", pace.headers)
    begin = partial(running.begin, who, Source(file.data, file.name, info), recipe)
    return begin(), begin

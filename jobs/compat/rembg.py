"""rembg's server API: GET and POST /api/remove. Always answers a PNG of the picture's own size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from accounts.models import Scope, User
from common.addresses import client_address
from common.threads import run_in_thread
from jobs.compat import body, execution, rate, responses, sources
from jobs.compat import rembg_parameters as parameters
from jobs.compat.authentication import Caller, asker, remembered, secret_of
from jobs.compat.blank import blank_png
from jobs.compat.body import File
from jobs.compat.error_handling import guarded
from jobs.compat.errors import CompatError
from jobs.compat.memory import room_for
from jobs.compat.rembg_parameters import ParameterError
from jobs.compat.sources import FETCH_SECONDS, spaceless
from jobs.fetching import FetchRefusedError, fetch
from jobs.services.synchronous import Call, Source
from jobs.services.uploads import limits
from segmentation import pictures
from segmentation.pictures import refusals
from segmentation.recipe import Plain, Recipe

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


def told(error: CompatError) -> HttpResponse:
    """An error in the words of rembg's server."""
    if isinstance(error, ParameterError):
        return responses.shared(JsonResponse({"detail": error.places}, status=422))
    unknown = error.code in {"missing_api_key", "auth_failed"}
    headers = {**error.headers, "WWW-Authenticate": "Bearer"} if unknown else error.headers
    detail = error.detail or "Send a token: Authorization: Bearer …"
    status = 401 if unknown else error.status
    return responses.shared(JsonResponse({"detail": detail}, status=status, headers=headers))


@dataclass(frozen=True)
class Begun:
    """A request whose job is on its way. again: begins the job anew. size: the picture's width and height."""

    asker: Caller
    recipe: Recipe
    size: tuple[int, int]
    call: Call
    again: Callable[[], Call]


@guarded("GET", "POST", words=told)
async def remove(request: HttpRequest) -> HttpResponseBase:
    """Remove the background of the picture at `url`, or of the field `file`."""
    begun = await _begun(request)
    try:
        taken = await execution.taken(begun.call, begun.asker, begun.again, as_json=False)
    except CompatError as error:
        if error.code != "unknown_foreground":
            raise
        return await run_in_thread(_nothing, begun.recipe, begun.size)
    return responses.finished(taken.content, taken.rendition, False, {})


async def _begun(request: HttpRequest) -> Begun:
    """The request with its job: the rest of the request goes with this frame."""
    async with room_for(request):
        who, recipe, given = await run_in_thread(_read, request)
    if isinstance(given, str):
        given = await sources.from_afar(who.user.pk, partial(_fetched, given), patient=True)
    return await run_in_thread(_begin, who, given, recipe)


def _read(request: HttpRequest) -> tuple[Caller, Recipe, File | str]:
    """Who asks for what, and the picture or its address."""
    who = _asker(request)
    execution.WAITING.check(who.user.pk)
    address = parameters.of_address(request.META["QUERY_STRING"])
    background = address.get("bgc", "")
    if request.method != "POST":
        gone = () if "url" in address else (parameters.missing("query", "url"),)
        recipe = parameters.recipe_of(address, background=background, also_wrong=gone)
        return who, recipe, address["url"]
    # Of the address of a POST its server reads `bgc` and `extras`, and of the form everything but these.
    said = body.read(request.headers.get("Content-Type", ""), body.received(request))
    if "file" in said.empty:
        raise refusals.empty_file()
    gone = () if "file" in said.files else (parameters.missing("body", "file"),)
    recipe = parameters.recipe_of(said.fields, source="body", background=background, also_wrong=gone)
    return who, recipe, said.files["file"]


def needs_no_token(request: HttpRequest) -> bool:
    """Whether the operator lets this one in without a token, for it comes from this very machine."""
    if not settings.REMBG_API_LOCAL or not request.path.startswith("/api/remove"):
        return False
    return not secret_of(request) and _is_local(request)


def _asker(request: HttpRequest) -> Caller:
    if not needs_no_token(request):
        return asker(request, Scope.SUBMIT)
    owner = User.objects.filter(email=settings.REMBG_API_LOCAL, is_active=True).first()
    if owner is None:
        raise CompatError("auth_failed", "The account that REMBG_API_LOCAL names is not here.")
    return remembered(request, Caller(owner, None))


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


def _fetched(url: str) -> File:
    try:
        found = fetch(spaceless(url), max_bytes=settings.MAX_PICTURE_BYTES, seconds=FETCH_SECONDS)
    except FetchRefusedError as error:
        raise CompatError("failed_image_download", error.sentence) from error
    with found.file as file:
        return File(file.read(), found.name)


def _begin(who: Caller, file: File, recipe: Recipe) -> Begun:
    info = pictures.inspect(file.data, limits())
    pace = rate.take(who.user.pk, rate.megapixels(info.width, info.height, recipe))
    if not pace.allowed:
        raise CompatError("rate_limit_exceeded", "Rate limit exceeded.", pace.headers)
    call, again = execution.begun(who, Source(file.data, file.name, info), recipe)
    return Begun(who, recipe, (info.width, info.height), call, again)


def _nothing(recipe: Recipe, size: tuple[int, int]) -> HttpResponse:
    """A picture in which nothing stands out: all of it is background, as its clients expect."""
    pixel = bytes(4)
    if recipe.channels == "alpha":
        pixel = bytes(1)
    elif isinstance(recipe.background, Plain):
        colour = recipe.background.colour
        pixel = bytes((colour.red, colour.green, colour.blue, colour.alpha))
    return responses.shared(HttpResponse(blank_png(*size, pixel), content_type="image/png"))

"""rembg's server API: GET and POST /api/remove. The result is always a PNG of the source's size."""

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
from accounts.services import suspension
from common.addresses import client_address
from common.threads import run_in_thread
from jobs.compat import body, execution, rate, responses, sources
from jobs.compat import rembg_parameters as parameters
from jobs.compat.authentication import Caller, authenticate, remember_caller, secret_of
from jobs.compat.blank import blank_png
from jobs.compat.body import File
from jobs.compat.error_handling import compat_view
from jobs.compat.errors import CompatError
from jobs.compat.memory import reserve_memory
from jobs.compat.rembg_parameters import ParameterError
from jobs.compat.sources import FETCH_SECONDS, encode_spaces
from jobs.fetching import FetchRefusedError, fetch
from jobs.services.synchronous import Call, Source
from jobs.services.uploads import limits
from segmentation import pictures
from segmentation.pictures import refusals
from segmentation.recipe import Plain, Recipe

LOCAL: Final = frozenset({"127.0.0.1", "::1"})
# Headers that browsers and proxies add and other programs do not.
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


def error_response(error: CompatError) -> HttpResponse:
    """An error in the format of rembg's server."""
    if isinstance(error, ParameterError):
        return responses.with_common_headers(JsonResponse({"detail": error.places}, status=422))
    unknown = error.code in {"missing_api_key", "auth_failed"}
    headers = {**error.headers, "WWW-Authenticate": "Bearer"} if unknown else error.headers
    detail = error.detail or "Send a token: Authorization: Bearer …"
    status = 401 if unknown else error.status
    return responses.with_common_headers(JsonResponse({"detail": detail}, status=status, headers=headers))


@dataclass(frozen=True)
class StartedCall:
    """A request whose job has started. restart: starts the job again. size: (width, height)."""

    caller: Caller
    recipe: Recipe
    size: tuple[int, int]
    call: Call
    restart: Callable[[], Call]


@compat_view("GET", "POST", render_error=error_response)
async def remove(request: HttpRequest) -> HttpResponseBase:
    """Remove the background of the picture at `url`, or of the file in the field `file`."""
    started = await _start(request)
    try:
        taken = await execution.wait_for_result(started.call, started.caller, started.restart, as_json=False)
    except CompatError as error:
        if error.code != "unknown_foreground":
            raise
        return await run_in_thread(_blank_result, started.recipe, started.size)
    return responses.result_response(taken.content, taken.rendition, False, {})


async def _start(request: HttpRequest) -> StartedCall:
    """Reads the request and starts its job. The body is freed when this function returns."""
    async with reserve_memory(request):
        who, recipe, given = await run_in_thread(_read, request)
    if isinstance(given, str):
        given = await sources.download(who.user.pk, partial(_fetch_file, given), wait_for_slot=True)
    return await run_in_thread(_begin, who, given, recipe)


def _read(request: HttpRequest) -> tuple[Caller, Recipe, File | str]:
    """The caller, the recipe, and the picture or its URL."""
    who = _caller(request)
    execution.WAITING.check(who.user.pk)
    address = parameters.of_address(request.META["QUERY_STRING"])
    background = address.get("bgc", "")
    if request.method != "POST":
        gone = () if "url" in address else (parameters.missing("query", "url"),)
        recipe = parameters.recipe_of(address, background=background, also_wrong=gone)
        return who, recipe, address["url"]
    # For a POST, rembg reads only `bgc` and `extras` from the query, and everything else from the form.
    said = body.read(request.headers.get("Content-Type", ""), body.read_body(request))
    if "file" in said.empty:
        raise refusals.empty_file()
    gone = () if "file" in said.files else (parameters.missing("body", "file"),)
    recipe = parameters.recipe_of(said.fields, source="body", background=background, also_wrong=gone)
    return who, recipe, said.files["file"]


def needs_no_token(request: HttpRequest) -> bool:
    """Whether the operator allows this request without a token because it comes from the same machine."""
    if not settings.REMBG_API_LOCAL or not request.path.startswith("/api/remove"):
        return False
    return not secret_of(request) and _is_local(request)


def _caller(request: HttpRequest) -> Caller:
    if not needs_no_token(request):
        return authenticate(request, Scope.SUBMIT)
    active = User.objects.filter(~suspension.in_force(), is_active=True)
    owner = active.filter(email=settings.REMBG_API_LOCAL).first()
    if owner is None:
        raise CompatError("auth_failed", "The account in REMBG_API_LOCAL does not exist, or is suspended.")
    return remember_caller(request, Caller(owner, None))


def _is_local(request: HttpRequest) -> bool:
    """Whether a program on the same machine sent it, without a proxy and not from a browser's page."""
    try:
        request.get_host()
    except DisallowedHost:
        return False  # another host name resolves to this machine, as in DNS rebinding
    return client_address(request) in LOCAL and not any(name in request.headers for name in FOREIGN)


async def not_found(request: HttpRequest) -> HttpResponseBase:
    """Any other URL below /api/remove."""
    return error_response(CompatError("not_found", "Not Found"))


def _fetch_file(url: str) -> File:
    try:
        found = fetch(encode_spaces(url), max_bytes=settings.MAX_PICTURE_BYTES, seconds=FETCH_SECONDS)
    except FetchRefusedError as error:
        raise CompatError("failed_image_download", error.sentence) from error
    with found.file as file:
        return File(file.read(), found.name)


def _begin(who: Caller, file: File, recipe: Recipe) -> StartedCall:
    info = pictures.inspect(file.data, limits())
    pace = rate.take(who.user.pk, rate.megapixels(info.width, info.height, recipe))
    if not pace.allowed:
        raise CompatError("rate_limit_exceeded", "Rate limit exceeded.", pace.headers)
    call, restart = execution.start_restartable(who, Source(file.data, file.name, info), recipe)
    return StartedCall(who, recipe, (info.width, info.height), call, restart)


def _blank_result(recipe: Recipe, size: tuple[int, int]) -> HttpResponse:
    """The result if no foreground was found: background only, as rembg's clients expect."""
    pixel = bytes(4)
    if recipe.channels == "alpha":
        pixel = bytes(1)
    elif isinstance(recipe.background, Plain):
        colour = recipe.background.colour
        pixel = bytes((colour.red, colour.green, colour.blue, colour.alpha))
    return responses.with_common_headers(HttpResponse(blank_png(*size, pixel), content_type="image/png"))

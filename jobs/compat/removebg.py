"""remove.bg's API: /v1.0/removebg, /v1.0/account, /v1.0/improve."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from PIL import Image

from accounts.models import Scope
from accounts.selectors import usage_of
from common.threads import run_in_thread
from jobs.compat import body, execution, rate, removebg_parameters, responses, sources
from jobs.compat.authentication import Caller, authenticate
from jobs.compat.body import Body, File
from jobs.compat.error_handling import compat_view
from jobs.compat.errors import CompatError
from jobs.compat.memory import reserve_memory
from jobs.compat.rate import RateLimit
from jobs.compat.removebg_parameters import BackgroundPicture
from jobs.services import improvements
from jobs.services.synchronous import Call, Source

# The credits that an account without a limit shows.
UNLIMITED = 1_000_000


@dataclass(frozen=True)
class ParsedRequest:
    """A parsed request: the caller, the body, and functions that load the pictures."""

    caller: Caller
    body: Body
    image: Callable[[], File]
    background: Callable[[], File] | None

    @property
    def needs_download(self) -> bool:
        """Whether a picture must be downloaded."""
        return not {"image_url", "bg_image_url"}.isdisjoint(self.body.fields)


@dataclass(frozen=True)
class StartedCall:
    """A request whose job has started, and data for the response's headers. restart: starts the job again."""

    caller: Caller
    type: str | None
    call: Call
    restart: Callable[[], Call]
    pace: RateLimit


@compat_view("POST")
async def removebg(request: HttpRequest) -> HttpResponseBase:
    """Remove the background of one picture; the response is the result."""
    started = await _start(request)
    as_json = responses.wants_json(request)
    try:
        taken = await execution.wait_for_result(
            started.call, started.caller, started.restart, as_json=as_json
        )
    except CompatError as error:
        error.headers = {**started.pace.headers, **error.headers}
        raise
    facts = responses.result_headers(taken.rendition, started.type, taken.charged)
    return responses.result_response(
        taken.content, taken.rendition, as_json, {**facts, **started.pace.headers}
    )


async def _start(request: HttpRequest) -> StartedCall:
    """Reads the request and starts its job. The body is freed when this function returns, before the long
    wait.
    """
    async with reserve_memory(request):
        parsed, started = await run_in_thread(_read, request)
    if started is not None:
        return started
    user, fields = parsed.caller.user.pk, parsed.body.fields
    behind = None
    if "image_url" in fields:
        image = await sources.download(user, parsed.image, wait_for_slot=not parsed.body.files)
    else:
        image = await run_in_thread(parsed.image)
    if "bg_image_url" in fields and parsed.background:
        behind = await sources.download(user, parsed.background, sources.OF_BACKGROUND)
    elif parsed.background:
        behind = await run_in_thread(parsed.background)
    return await run_in_thread(_begin, parsed, image, behind)


def _read(request: HttpRequest) -> tuple[ParsedRequest, StartedCall | None]:
    """The request, and its job if nothing must be downloaded: then one thread switch is enough."""
    who = authenticate(request, Scope.SUBMIT)
    execution.WAITING.check(who.user.pk)
    said = body.read(
        request.headers.get("Content-Type", ""), body.read_body(request), request.META["QUERY_STRING"]
    )
    parsed = ParsedRequest(who, said, sources.image(said), sources.background(said))
    if parsed.needs_download:
        return parsed, None
    return parsed, _begin(parsed, parsed.image(), parsed.background() if parsed.background else None)


def _begin(parsed: ParsedRequest, image: File, behind: File | None) -> StartedCall:
    info = sources.inspect_header(image)
    wanted = removebg_parameters.read(
        parsed.body.fields,
        preview_means_full=parsed.caller.preview_means_full,
        behind=_background_picture(behind) if behind else None,
    )
    removebg_parameters.check_region(wanted.recipe, info.width, info.height)
    cost = rate.megapixels(info.width, info.height, wanted.recipe)
    pace = rate.take(parsed.caller.user.pk, cost)
    if not pace.allowed:
        raise CompatError(
            "rate_limit_exceeded", "Too many megapixels this minute. Wait a moment.", pace.headers
        )
    source = Source(image.data, image.name, info)
    call, restart = execution.start_restartable(
        parsed.caller, source, wanted.recipe, behind.data if behind else None
    )
    return StartedCall(parsed.caller, wanted.type, call, restart, pace)


def _background_picture(file: File) -> BackgroundPicture:
    info = sources.inspect_header(file)
    see_through = False
    if info.format != "jpeg":
        # The header says whether there can be alpha; no pixel is decoded.
        try:
            with Image.open(io.BytesIO(file.data), formats=["PNG", "WEBP"]) as picture:
                see_through = picture.has_transparency_data
        except (OSError, ValueError) as error:
            raise CompatError("failed_to_read_image", "The background picture is broken.") from error
    return BackgroundPicture(hashlib.sha256(file.data).hexdigest(), see_through)


@compat_view("GET")
async def account(request: HttpRequest) -> HttpResponseBase:
    """The remaining credits, with exactly these keys: strict clients accept no others."""
    return await run_in_thread(_account, request)


def _account(request: HttpRequest) -> HttpResponse:
    who = authenticate(request, Scope.READ, Scope.SUBMIT)
    left = next(meter.left for meter in usage_of(who.user) if meter.name == "pictures")
    total = UNLIMITED if left is None else left
    credits = {"total": total, "subscription": total, "payg": 0, "enterprise": 0}
    attributes = {"credits": credits, "api": {"free_calls": 0, "sizes": "all"}}
    return responses.with_common_headers(JsonResponse({"data": {"attributes": attributes}}))


@compat_view("POST")
async def improve(request: HttpRequest) -> HttpResponseBase:
    """Store a picture whose result was not good."""
    async with reserve_memory(request):
        who, said = await run_in_thread(_read_improvement, request)
    image = sources.image(said)
    far = "image_url" in said.fields
    file = await (
        sources.download(who.user.pk, image, wait_for_slot=not said.files) if far else run_in_thread(image)
    )
    return await run_in_thread(_improve, who, said, file)


def _read_improvement(request: HttpRequest) -> tuple[Caller, Body]:
    who = authenticate(request, Scope.SUBMIT)
    return who, body.read(
        request.headers.get("Content-Type", ""), body.read_body(request), request.META["QUERY_STRING"]
    )


def _improve(who: Caller, said: Body, file: File) -> HttpResponse:
    if who.ephemeral:
        raise CompatError("auth_failed", "An ephemeral token stores nothing.")
    info = sources.inspect_header(file)
    pace = rate.take(who.user.pk, math.ceil(info.width * info.height / 1e6))
    if not pace.allowed:
        raise CompatError(
            "rate_limit_exceeded", "Too many megapixels this minute. Wait a moment.", pace.headers
        )
    name = said.fields.get("image_filename", file.name)
    kept = improvements.keep(who.user, Source(file.data, name, info), said.fields.get("tag", ""))
    return responses.with_common_headers(JsonResponse({"id": str(kept.pk)}))


async def not_found(request: HttpRequest) -> HttpResponseBase:
    """Any other URL below /v1.0."""
    known = "The endpoints are /v1.0/removebg, /v1.0/account and /v1.0/improve, each with single slashes."
    return responses.error_response(CompatError("not_found", known))

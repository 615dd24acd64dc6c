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
from jobs.compat.authentication import Caller, asker
from jobs.compat.body import Body, File
from jobs.compat.error_handling import guarded
from jobs.compat.errors import CompatError
from jobs.compat.memory import room_for
from jobs.compat.rate import RateLimit
from jobs.compat.removebg_parameters import Behind
from jobs.services import improvements
from jobs.services.synchronous import Call, Source

# What an account without a limit has left.
UNLIMITED = 1_000_000


@dataclass(frozen=True)
class Asked:
    """A request that was read: who asks for what, and how to get the pictures."""

    asker: Caller
    body: Body
    image: Callable[[], File]
    background: Callable[[], File] | None

    @property
    def far(self) -> bool:
        """Whether a picture lies on somebody else's server."""
        return not {"image_url", "bg_image_url"}.isdisjoint(self.body.fields)


@dataclass(frozen=True)
class Begun:
    """A request whose job is on its way, and what is told of it in the end. again: begins the job anew."""

    asker: Caller
    type: str | None
    call: Call
    again: Callable[[], Call]
    pace: RateLimit


@guarded("POST")
async def removebg(request: HttpRequest) -> HttpResponseBase:
    """Remove the background of one picture, and answer with the result."""
    begun = await _begun(request)
    as_json = responses.wants_json(request)
    try:
        taken = await execution.taken(begun.call, begun.asker, begun.again, as_json=as_json)
    except CompatError as error:
        error.headers = {**begun.pace.headers, **error.headers}
        raise
    facts = responses.facts_of(taken.rendition, begun.type, taken.charged)
    return responses.finished(taken.content, taken.rendition, as_json, {**facts, **begun.pace.headers})


async def _begun(request: HttpRequest) -> Begun:
    """The request with its job; the body goes with this frame, for the wait may be long."""
    async with room_for(request):
        asked, begun = await run_in_thread(_read, request)
    if begun is not None:
        return begun
    user, fields = asked.asker.user.pk, asked.body.fields
    behind = None
    if "image_url" in fields:
        image = await sources.from_afar(user, asked.image, patient=not asked.body.files)
    else:
        image = await run_in_thread(asked.image)
    if "bg_image_url" in fields and asked.background:
        behind = await sources.from_afar(user, asked.background, sources.OF_BACKGROUND)
    elif asked.background:
        behind = await run_in_thread(asked.background)
    return await run_in_thread(_begin, asked, image, behind)


def _read(request: HttpRequest) -> tuple[Asked, Begun | None]:
    """The request, and its job where all of it is here already: one way into a thread instead of two."""
    who = asker(request, Scope.SUBMIT)
    execution.WAITING.check(who.user.pk)
    said = body.read(
        request.headers.get("Content-Type", ""), body.received(request), request.META["QUERY_STRING"]
    )
    asked = Asked(who, said, sources.image(said), sources.background(said))
    if asked.far:
        return asked, None
    return asked, _begin(asked, asked.image(), asked.background() if asked.background else None)


def _begin(asked: Asked, image: File, behind: File | None) -> Begun:
    info = sources.looked_at(image)
    wanted = removebg_parameters.read(
        asked.body.fields,
        preview_means_full=asked.asker.preview_means_full,
        behind=_behind(behind) if behind else None,
    )
    removebg_parameters.check_region(wanted.recipe, info.width, info.height)
    cost = rate.megapixels(info.width, info.height, wanted.recipe)
    pace = rate.take(asked.asker.user.pk, cost)
    if not pace.allowed:
        raise CompatError("rate_limit_exceeded", "Wait a moment.", pace.headers)
    source = Source(image.data, image.name, info)
    call, again = execution.begun(asked.asker, source, wanted.recipe, behind.data if behind else None)
    return Begun(asked.asker, wanted.type, call, again, pace)


def _behind(file: File) -> Behind:
    info = sources.looked_at(file)
    see_through = False
    if info.format != "jpeg":
        # Its header says whether there may be alpha; no pixel is decoded.
        try:
            with Image.open(io.BytesIO(file.data), formats=["PNG", "WEBP"]) as picture:
                see_through = picture.has_transparency_data
        except (OSError, ValueError) as error:
            raise CompatError("failed_to_read_image", "The background picture is broken.") from error
    return Behind(hashlib.sha256(file.data).hexdigest(), see_through)


@guarded("GET")
async def account(request: HttpRequest) -> HttpResponseBase:
    """What is left. Exactly these keys: strict clients read no others."""
    return await run_in_thread(_account, request)


def _account(request: HttpRequest) -> HttpResponse:
    who = asker(request, Scope.READ, Scope.SUBMIT)
    left = next(meter.left for meter in usage_of(who.user) if meter.name == "pictures")
    total = UNLIMITED if left is None else left
    credits = {"total": total, "subscription": total, "payg": 0, "enterprise": 0}
    attributes = {"credits": credits, "api": {"free_calls": 0, "sizes": "all"}}
    return responses.shared(JsonResponse({"data": {"attributes": attributes}}))


@guarded("POST")
async def improve(request: HttpRequest) -> HttpResponseBase:
    """Take a picture whose cut-out was not good."""
    async with room_for(request):
        who, said = await run_in_thread(_read_improvement, request)
    image = sources.image(said)
    far = "image_url" in said.fields
    file = await (
        sources.from_afar(who.user.pk, image, patient=not said.files) if far else run_in_thread(image)
    )
    return await run_in_thread(_improve, who, said, file)


def _read_improvement(request: HttpRequest) -> tuple[Caller, Body]:
    who = asker(request, Scope.SUBMIT)
    return who, body.read(
        request.headers.get("Content-Type", ""), body.received(request), request.META["QUERY_STRING"]
    )


def _improve(who: Caller, said: Body, file: File) -> HttpResponse:
    if who.ephemeral:
        raise CompatError("auth_failed", "This token keeps nothing.")
    info = sources.looked_at(file)
    pace = rate.take(who.user.pk, math.ceil(info.width * info.height / 1e6))
    if not pace.allowed:
        raise CompatError("rate_limit_exceeded", "Wait a moment.", pace.headers)
    name = said.fields.get("image_filename", file.name)
    kept = improvements.keep(who.user, Source(file.data, name, info), said.fields.get("tag", ""))
    return responses.shared(JsonResponse({"id": str(kept.pk)}))


async def nothing(request: HttpRequest) -> HttpResponseBase:
    """Any other address under /v1.0."""
    known = "There is /v1.0/removebg, /v1.0/account and /v1.0/improve, each with single slashes."
    return responses.refused(CompatError("not_found", known))

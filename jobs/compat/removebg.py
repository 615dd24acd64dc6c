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
from jobs.compat import answers, body, order, rate, running, sources
from jobs.compat.asking import Asker, asker
from jobs.compat.body import Body, File
from jobs.compat.errors import CompatError
from jobs.compat.guarding import guarded
from jobs.compat.order import Behind, Order
from jobs.compat.rate import Pace
from jobs.services import backdrops, improvements
from jobs.services.calls import Call, Source
from jobs.threads import quickly, slowly

# What an account without a limit has left.
UNLIMITED = 1_000_000


@dataclass(frozen=True)
class Asked:
    """A request that was read: who asks for what, and how to get the pictures."""

    asker: Asker
    body: Body
    image: Callable[[], File]
    background: Callable[[], File] | None

    @property
    def far(self) -> bool:
        """Whether a picture lies on somebody else's server."""
        return not {"image_url", "bg_image_url"}.isdisjoint(self.body.fields)


@dataclass(frozen=True)
class Begun:
    """A request whose job is on its way."""

    asked: Asked
    source: Source
    order: Order
    call: Call
    pace: Pace


@guarded("POST")
async def removebg(request: HttpRequest) -> HttpResponseBase:
    """Remove the background of one picture, and answer with the result."""
    asked, begun = await quickly(_read, request)
    if begun is None:
        image = await slowly(asked.image)
        behind = await slowly(asked.background) if asked.background else None
        begun = await quickly(_begin, asked, image, behind)
    as_json = answers.wants_json(request)
    try:
        taken = await running.taken(
            begun.call, asked.asker, begun.source, begun.order.recipe, as_json=as_json
        )
    except CompatError as error:
        error.headers = {**begun.pace.headers, **error.headers}
        raise
    facts = answers.facts_of(taken.rendition, begun.order.type, taken.charged)
    return answers.finished(taken.content, taken.rendition, as_json, {**facts, **begun.pace.headers})


def _read(request: HttpRequest) -> tuple[Asked, Begun | None]:
    """The request, and its job where all of it is here already: one way into a thread instead of two."""
    who = asker(request, Scope.SUBMIT)
    said = body.read(
        request.headers.get("Content-Type", ""), body.received(request), request.META["QUERY_STRING"]
    )
    asked = Asked(who, said, sources.image(said), sources.background(said))
    if asked.far:
        return asked, None
    return asked, _begin(asked, asked.image(), asked.background() if asked.background else None)


def _begin(asked: Asked, image: File, behind: File | None) -> Begun:
    info = sources.looked_at(image)
    wanted = order.read(
        asked.body.fields,
        preview_means_full=asked.asker.preview_means_full,
        behind=_behind(behind) if behind else None,
    )
    order.check_region(wanted.recipe, info.width, info.height)
    pace = rate.take(asked.asker.user.pk, math.ceil(info.width * info.height / 1e6))
    if not pace.allowed:
        raise CompatError("rate_limit_exceeded", "Wait a moment.", pace.headers)
    source = Source(image.data, image.name, info)
    try:
        if behind is not None:
            backdrops.take_in(asked.asker.user, behind.data)
        call = running.begin(asked.asker, source, wanted.recipe)
    except CompatError as error:
        error.headers = {**pace.headers, **error.headers}
        raise
    return Begun(asked, source, wanted, call, pace)


def _behind(file: File) -> Behind:
    info = sources.looked_at(file)
    see_through = False
    if info.format != "jpeg":
        # Its header says whether there may be alpha; no pixel is decoded.
        with Image.open(io.BytesIO(file.data), formats=["PNG", "WEBP"]) as picture:
            see_through = picture.has_transparency_data
    return Behind(hashlib.sha256(file.data).hexdigest(), see_through)


@guarded("GET")
async def account(request: HttpRequest) -> HttpResponseBase:
    """What is left. Exactly these keys: strict clients read no others."""
    return await quickly(_account, request)


def _account(request: HttpRequest) -> HttpResponse:
    who = asker(request, Scope.READ, Scope.SUBMIT)
    left = next(meter.left for meter in usage_of(who.user) if meter.name == "pictures")
    total = UNLIMITED if left is None else left
    credits = {"total": total, "subscription": total, "payg": 0, "enterprise": 0}
    attributes = {"credits": credits, "api": {"free_calls": 0, "sizes": "all"}}
    return answers.shared(JsonResponse({"data": {"attributes": attributes}}))


@guarded("POST")
async def improve(request: HttpRequest) -> HttpResponseBase:
    """Take a picture whose cut-out was not good."""
    who, said = await quickly(_read_improvement, request)
    image = sources.image(said)
    file = await (slowly(image) if "image_url" in said.fields else quickly(image))
    return await quickly(_improve, who, said, file)


def _read_improvement(request: HttpRequest) -> tuple[Asker, Body]:
    who = asker(request, Scope.SUBMIT)
    return who, body.read(
        request.headers.get("Content-Type", ""), body.received(request), request.META["QUERY_STRING"]
    )


def _improve(who: Asker, said: Body, file: File) -> HttpResponse:
    info = sources.looked_at(file)
    name = said.fields.get("image_filename", file.name)
    kept = improvements.keep(who.user, Source(file.data, name, info), said.fields.get("tag", ""))
    return answers.shared(JsonResponse({"id": str(kept.pk)}))


async def nothing(request: HttpRequest) -> HttpResponseBase:
    """Any other address under /v1.0/."""
    return answers.refused(CompatError("not_found"))

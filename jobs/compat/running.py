"""From a picture at hand to its finished file, through the queue like everything else: begin, wait, take."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings

from jobs.compat import answers
from jobs.compat.asking import Asker
from jobs.compat.errors import CompatError, of_picture
from jobs.models import Picture, Rendition
from jobs.services import calls
from jobs.services.calls import Call, Source
from jobs.threads import quickly
from jobs.waiting import wait_ended
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

TRIES: Final = 3
ASK_AGAIN_SECONDS: Final = "5"
OURS: Final = frozenset({"internal_error", "worker_lost"})
# How many requests of this process wait for a job: the last one takes an ephemeral job along.
_together: Counter[UUID] = Counter()


@dataclass(frozen=True)
class Taken:
    """A finished file. charged: 1 where this request was counted, 0 where an earlier one had been."""

    rendition: Rendition
    content: answers.Opened | bytes
    charged: int


def begin(asker: Asker, source: Source, recipe: Recipe) -> Call:
    """The job of a request. Blocks. Raises what calls.begin raises."""
    return calls.begin(asker.user, source, recipe, token=asker.token, ephemeral=asker.ephemeral)


async def taken(call: Call, asker: Asker, source: Source, recipe: Recipe, *, as_json: bool) -> Taken:
    """The file of a call that was begun, waited for at most SYNC_SECONDS.

    Raises CompatError: `still_working` where it takes longer (who asks again finds it running), else what is
    wrong with the picture.
    """
    for _ in range(TRIES):
        if (found := await _awaited(call, asker, as_json)) is not None:
            return found
        # Somebody else's answer took it along, or its owner deleted it.
        call = await quickly(begin, asker, source, recipe)
    raise CompatError("unavailable", "Try it again.", {"Retry-After": ASK_AGAIN_SECONDS})


async def _awaited(call: Call, asker: Asker, as_json: bool) -> Taken | None:
    _together[call.job] += 1
    ended = False
    try:
        ended = await wait_ended(call.job, settings.SYNC_SECONDS)
        if not ended:
            raise CompatError(
                "still_working",
                "The picture is still worked on. Send the same request again to get its result.",
                {"Retry-After": ASK_AGAIN_SECONDS},
            )
        return await quickly(_take, call, as_json)
    finally:
        _together[call.job] -= 1
        if not _together[call.job]:
            del _together[call.job]
            if ended and asker.ephemeral:
                await quickly(calls.forget, call.job)


def _take(call: Call, as_json: bool) -> Taken | None:
    """What came of a call that has ended; None where it is gone."""
    picture = Picture.objects.filter(pk=call.picture).first()
    rendition = calls.rendition_of(call)
    if picture is not None and picture.state == Picture.State.FAILED:
        raise _failure(picture)
    if picture is None or rendition is None:
        return None
    try:
        content = answers.opened(rendition, as_json)
    except FileNotFoundError:
        return None
    return Taken(rendition, content, int(call.charged))


def _failure(picture: Picture) -> CompatError:
    if picture.error_code in OURS:
        return CompatError("internal_error", picture.error_sentence)
    return of_picture(picture.error_code, picture.error_sentence)

"""From a picture at hand to its finished file, through the queue like everything else: begin, wait, take."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from common.threads import run_in_thread
from jobs.compat import responses
from jobs.compat.authentication import Caller
from jobs.compat.concurrency import ConcurrencyLimit
from jobs.compat.errors import AGAIN_SECONDS, CompatError, of_picture
from jobs.compat.parked import SpilledBytes
from jobs.long_polling import wait_ended
from jobs.models import Picture, Rendition
from jobs.services import backdrops, synchronous
from jobs.services.synchronous import Call, Source
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

TRIES: Final = 3
# Who waits holds a picture in a file, for the case that the job has to be begun anew.
WAITING: Final = ConcurrencyLimit(50, "Too many of your calls wait for their pictures already.")
OURS: Final = frozenset({"internal_error", "worker_lost"})
# How many requests of this process wait for a job: the last one takes an ephemeral job along.
_together: Counter[UUID] = Counter()


@dataclass(frozen=True)
class Taken:
    """A finished file. charged: 1 where this request was counted, 0 where an earlier one had been."""

    rendition: Rendition
    content: responses.Opened | bytes
    charged: int


def begin(asker: Caller, source: Source, recipe: Recipe, behind: bytes | None = None) -> Call:
    """The job of a request, with the picture that its recipe names to stand behind.

    Blocks. Raises what calls.begin and backdrops.take_in raise; of an ephemeral request nothing is kept then.
    """
    before = timezone.now()
    backdrop = None
    if behind is not None:
        backdrop = backdrops.take_in(asker.user, behind, ephemeral=asker.ephemeral)
    try:
        return synchronous.begin(asker.user, source, recipe, token=asker.token, ephemeral=asker.ephemeral)
    except Exception:
        # An older one is somebody else's to keep.
        if backdrop is not None and asker.ephemeral and backdrop.created_at >= before:
            backdrops.forget(backdrop)
        raise


def begun(
    asker: Caller, source: Source, recipe: Recipe, behind: bytes | None = None
) -> tuple[Call, Callable[[], Call]]:
    """The job of a request, and how to begin it anew, for which the pictures are kept in files.

    Blocks. Raises as `begin` does.
    """
    call = begin(asker, source, recipe, behind)
    again = partial(
        _begin_anew,
        asker,
        replace(source, data=b""),
        recipe,
        SpilledBytes(source.data),
        SpilledBytes(behind) if behind is not None else None,
    )
    return call, again


def _begin_anew(
    asker: Caller, source: Source, recipe: Recipe, data: SpilledBytes, behind: SpilledBytes | None
) -> Call:
    return begin(asker, replace(source, data=data.read()), recipe, behind.read() if behind else None)


async def taken(call: Call, asker: Caller, again: Callable[[], Call], *, as_json: bool) -> Taken:
    """The file of a call that was begun, waited for at most SYNC_SECONDS; `again` begins it anew.

    Raises CompatError: `still_working` where it takes longer (who asks again finds it running),
    `rate_limit_exceeded` where the user waits for too many, else what is wrong with the picture.
    """
    with WAITING.held(asker.user.pk):
        for _ in range(TRIES):
            if (found := await _awaited(call, asker, as_json)) is not None:
                return found
            # Somebody else's answer took it along, its background too, or its owner deleted it.
            call = await run_in_thread(again)
    raise CompatError("unavailable", "Try it again.", {"Retry-After": AGAIN_SECONDS})


async def _awaited(call: Call, asker: Caller, as_json: bool) -> Taken | None:
    _together[call.job] += 1
    ended = False
    try:
        ended = await wait_ended(call.job, settings.SYNC_SECONDS)
        if not ended:
            raise CompatError(
                "still_working",
                "The picture is still worked on. Send the same request again to get its result.",
                {"Retry-After": AGAIN_SECONDS},
            )
        return await run_in_thread(_take, call, as_json)
    finally:
        _together[call.job] -= 1
        if not _together[call.job]:
            del _together[call.job]
            if ended and asker.ephemeral:
                await run_in_thread(synchronous.forget, call.job)


def _take(call: Call, as_json: bool) -> Taken | None:
    """What came of a call that has ended; None where it is gone."""
    picture = Picture.objects.filter(pk=call.picture).first()
    rendition = synchronous.rendition_of(call)
    if picture is not None and picture.state == Picture.State.FAILED:
        raise _failure(picture)
    if picture is None or rendition is None:
        return None
    try:
        content = responses.opened(rendition, as_json)
    except FileNotFoundError:
        return None
    return Taken(rendition, content, int(call.charged))


def _failure(picture: Picture) -> CompatError:
    if picture.error_code in OURS:
        return CompatError("internal_error", picture.error_sentence)
    return of_picture(picture.error_code, picture.error_sentence)

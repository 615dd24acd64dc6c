"""Runs a call through the queue: start the job, wait for it, collect the result."""

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
from jobs.compat.errors import AGAIN_SECONDS, CompatError, picture_error
from jobs.compat.spilled_bytes import SpilledBytes
from jobs.long_polling import wait_ended
from jobs.models import Picture, Rendition
from jobs.services import backdrops, downloads, synchronous
from jobs.services.synchronous import Call, Source
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

MAX_STARTS: Final = 3
# A waiting request keeps its picture in a temporary file, in case the job must be started again.
WAITING: Final = ConcurrencyLimit(50, "Too many of your calls are waiting for results.")
INTERNAL_CODES: Final = frozenset({"internal_error", "worker_lost"})
# How many requests of this process wait for each job. The last one deletes an ephemeral job.
_waiting_requests: Counter[UUID] = Counter()


@dataclass(frozen=True)
class FinishedResult:
    """A finished result. charged: 1 if this request was charged, 0 if an earlier identical one was."""

    rendition: Rendition
    content: responses.OpenFile | bytes
    charged: int


def start(caller: Caller, source: Source, recipe: Recipe, behind: bytes | None = None) -> Call:
    """Starts the job of a request, with its background picture.

    Blocks. Raises the errors of synchronous.begin and backdrops.take_in; nothing of an ephemeral request is
    then kept.
    """
    before = timezone.now()
    backdrop = None
    if behind is not None:
        backdrop = backdrops.take_in(caller.user, behind, ephemeral=caller.ephemeral)
    try:
        return synchronous.begin(caller.user, source, recipe, token=caller.token, ephemeral=caller.ephemeral)
    except Exception:
        # An older background belongs to another request.
        if backdrop is not None and caller.ephemeral and backdrop.created_at >= before:
            backdrops.forget(backdrop)
        raise


def start_restartable(
    caller: Caller, source: Source, recipe: Recipe, behind: bytes | None = None
) -> tuple[Call, Callable[[], Call]]:
    """The job, started, and a function that starts it again and that keeps the pictures in files.

    Blocks. Raises the same errors as `start`.
    """
    call = start(caller, source, recipe, behind)
    restart = partial(
        _restart,
        caller,
        replace(source, data=b""),
        recipe,
        SpilledBytes(source.data),
        SpilledBytes(behind) if behind is not None else None,
    )
    return call, restart


def _restart(
    caller: Caller, source: Source, recipe: Recipe, data: SpilledBytes, behind: SpilledBytes | None
) -> Call:
    return start(caller, replace(source, data=data.read()), recipe, behind.read() if behind else None)


async def wait_for_result(
    call: Call, caller: Caller, restart: Callable[[], Call], *, as_json: bool
) -> FinishedResult:
    """Waits at most SYNC_SECONDS for the result of a call; `restart` starts the job again if it disappears.

    Raises CompatError: `still_working` after the time-out (the same request sent again finds the running
    job), `rate_limit_exceeded` if too many requests of the user wait, and the errors of the picture.
    """
    with WAITING.held(caller.user.pk):
        for _ in range(MAX_STARTS):
            if (found := await _wait(call, caller, as_json)) is not None:
                return found
            # Another request's response deleted the ephemeral job and its background, or the owner deleted
            # it.
            call = await run_in_thread(restart)
    raise CompatError("unavailable", "Try again.", {"Retry-After": AGAIN_SECONDS})


async def _wait(call: Call, caller: Caller, as_json: bool) -> FinishedResult | None:
    _waiting_requests[call.job] += 1
    ended = False
    try:
        ended = await wait_ended(call.job, settings.SYNC_SECONDS)
        if not ended:
            raise CompatError(
                "still_working",
                "The picture is still being processed. Send the same request again to get the result.",
                {"Retry-After": AGAIN_SECONDS},
            )
        return await run_in_thread(_collect, call, as_json)
    finally:
        _waiting_requests[call.job] -= 1
        if not _waiting_requests[call.job]:
            del _waiting_requests[call.job]
            if ended and caller.ephemeral:
                await run_in_thread(synchronous.forget, call.job)


def _collect(call: Call, as_json: bool) -> FinishedResult | None:
    """The result of a call whose job has ended; None if it was deleted."""
    picture = Picture.objects.filter(pk=call.picture).first()
    rendition = synchronous.rendition_of(call)
    if picture is not None and picture.state == Picture.State.FAILED:
        raise _failure(picture)
    if picture is None or rendition is None:
        return None
    try:
        content = responses.open_result(rendition, as_json)
    except FileNotFoundError:
        return None
    downloads.note([picture])
    return FinishedResult(rendition, content, int(call.charged))


def _failure(picture: Picture) -> CompatError:
    if picture.error_code in INTERNAL_CODES:
        return CompatError("internal_error", picture.error_sentence)
    return picture_error(picture.error_code, picture.error_sentence)

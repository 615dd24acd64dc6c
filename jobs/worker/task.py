"""Runs one leased row: claims it, renews its lease, does the work, and ends the claim whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import Error, transaction

from jobs.queue import circuit
from jobs.queue.claims import Claim, LeaseLostError, R
from jobs.queue.leases import LeaseKeeper
from jobs.queue.line import Line
from jobs.queue.retries import is_away, with_retries
from jobs.services import discards
from jobs.storage import StoreUnavailableError
from jobs.worker.exclusive import ExclusiveLock
from segmentation.errors import EngineError, SegmentationError, WeightsError

logger = logging.getLogger(__name__)

INTERNAL: Final = "internal_error"
INTERNAL_SENTENCE: Final = (
    "Something went wrong on our side. Try this picture again; if it fails again, tell the staff."
)

# Set at the worker's boot. Tests that run a task directly need no renewal.
keeper: LeaseKeeper | None = None
exclusive_lock = ExclusiveLock()


class CannotSucceedError(Exception):
    """The work fails at every attempt. `written`: files to discard together with the failure."""

    def __init__(self, code: str, sentence: str, written: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.written = code, sentence, written


def run(line: Line[R], row: UUID, work: Callable[[Claim[R]], None]) -> None:
    """Claim a queued row and do its work. Safe to run twice: the second claim finds nothing.

    `work` ends the claim when it succeeds. A row that was tried before runs with no other beside it in this
    process: it may be what killed the worker.
    """
    alone = with_retries(partial(line.was_tried, row))
    with exclusive_lock.alone() if alone else exclusive_lock.shared():
        # The token is chosen here, so that a retry after a lost connection finds its own claim.
        claim = with_retries(partial(line.claim, row, token=uuid4(), alone=alone))
        if claim is None:
            return
        try:
            with keeper.holding(line, claim.token) if keeper else nullcontext():
                _attempt(line, claim, work)
        finally:
            # There is room in the user's window now. If this fails, the scheduler's next tick does it.
            _top_up(line, claim.row.user_id)


def is_engine_fault(error: Exception) -> bool:
    """Whether the engine or its weights failed, not the picture, so that another attempt may succeed.

    An unknown model stays unknown.
    """
    return isinstance(error, EngineError | WeightsError) and error.code != "unknown_model"


def _attempt(line: Line[R], claim: Claim[R], work: Callable[[Claim[R]], None]) -> None:
    name = f"{line.name} {claim.row.pk}"
    give_back = partial(line.give_back, claim, INTERNAL, INTERNAL_SENTENCE)
    try:
        work(claim)
    except CannotSucceedError as error:
        _unless_lost(name, partial(_fail, line, claim, error))
    except SegmentationError as error:
        if is_engine_fault(error):
            logger.exception("%s: the engine failed: %s", name, error.code)
            _unless_lost(name, give_back)
        else:
            _unless_lost(name, partial(line.fail, claim, error.code, error.sentence))
    except LeaseLostError:
        logger.warning("%s: the lease was lost while it ran; the result is dropped", name)
    except StoreUnavailableError as error:
        logger.warning("%s waits for the store: %s", name, error)
        circuit.trip()
        _unless_lost(name, partial(line.postpone, claim))
    except Exception as error:
        if is_away(error):
            logger.warning("%s waits for the database: %s", name, error)
            _unless_lost(name, partial(line.postpone, claim))
            return
        logger.exception("%s failed at attempt %d", name, claim.row.attempts)
        _unless_lost(name, give_back)
    except BaseException:
        # A time limit or a shutdown, raised into this thread: give the row back first.
        _unless_lost(name, give_back)
        raise


def _fail(line: Line[R], claim: Claim[R], error: CannotSucceedError) -> None:
    with transaction.atomic():
        line.fail(claim, error.code, error.sentence)
        discards.discard(error.written)


def _unless_lost(name: str, act: Callable[[], None]) -> None:
    try:
        with_retries(act)
    except LeaseLostError:
        logger.warning("%s: the lease was lost while it failed", name)


def _top_up(line: Line[Any], user: int) -> None:
    try:
        line.top_up(user)
    except Error as error:
        logger.warning("could not top up: %s", error)

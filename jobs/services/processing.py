"""Segment and render: from a claimed picture to a matte and a rendition, or to a reason why not."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import dataclass
from uuid import UUID

from jobs.leases import LeaseKeeper
from jobs.services import claims
from jobs.services.claims import Claim, LeaseLostError
from segmentation.errors import SegmentationError

logger = logging.getLogger(__name__)

PREVIEW_SIDE = 640
INTERNAL = "internal_error"
INTERNAL_SENTENCE = (
    "Something went wrong on our side. Try this picture again; if it fails again, tell the staff."
)

# Set by the worker at its boot; a test that calls process() directly needs no renewing.
keeper: LeaseKeeper | None = None


@dataclass(frozen=True)
class Keys:
    """Where the files of one run go: the same run again writes the same keys."""

    thumb: str
    matte: str
    rendition: str
    preview: str


def process(picture_id: UUID) -> None:
    """Claim a queued picture and bring it to its end. Safe to run twice: the second claim finds nothing."""
    claim = claims.claim(picture_id)
    if claim is None:
        return
    try:
        with keeper.holding(claim.token) if keeper else nullcontext():
            _work(claim)
    except SegmentationError as error:
        _unless_lost(claim, lambda: claims.fail(claim, error.code, error.sentence))
    except LeaseLostError:
        logger.warning("picture %s was taken away while it ran; its result is dropped", picture_id)
    except Exception:
        logger.exception("picture %s failed at attempt %d", picture_id, claim.picture.attempts)
        _unless_lost(claim, lambda: claims.give_back(claim, INTERNAL, INTERNAL_SENTENCE))
    except BaseException:
        # A time limit or a shutdown, raised into the thread: hand the picture back, then obey.
        _unless_lost(claim, lambda: claims.give_back(claim, INTERNAL, INTERNAL_SENTENCE))
        raise


def _unless_lost(claim: Claim, act) -> None:  # type: ignore[no-untyped-def]
    try:
        act()
    except LeaseLostError:
        logger.warning("picture %s was taken away while it failed", claim.picture.pk)

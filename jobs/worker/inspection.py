"""What a worker notes about a picture for moderation. It decides nothing, and its faults fail no picture.

A fault is logged and counted (jobs/moderation/failures.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import Error

from jobs.models import Flag, FlagKind, Picture
from jobs.moderation import failures
from jobs.moderation.services import flag
from jobs.queue.retries import is_away
from jobs.selectors import refused_pictures
from jobs.worker import explicit, hashing
from segmentation.pictures import DecodedPicture

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Findings:
    """phash: the perceptual hash as a signed 64-bit number. explicit: the classifier's score, 0 to 1.

    Each is None if it is unknown: switched off, or failed.
    """

    phash: int | None = None
    explicit: float | None = None


def inspect(picture: DecodedPicture) -> Findings:
    """Looks at a decoded picture, in a small version of it. Raises nothing."""
    small = _attempt(failures.HASH, partial(hashing.small, picture))
    if small is None:
        return Findings()
    return Findings(
        phash=_attempt(failures.HASH, partial(hashing.phash, small)),
        explicit=_attempt(failures.CLASSIFIER, partial(explicit.score, small))
        if settings.FLAG_EXPLICIT is not None
        else None,
    )


def flag_findings(picture: Picture, digest: str, findings: Findings) -> None:
    """Flags a picture that looks explicit, or like a refused one. Raises nothing but that the database is
    away.

    digest: SHA-256 of the source. A file of the same account that was flagged before, as another picture that
    still exists, is not flagged again. Safe to run twice.
    """
    _attempt(failures.FLAG, partial(_flag, picture, digest, findings))


def _flag(picture: Picture, digest: str, findings: Findings) -> None:
    score, threshold = findings.explicit, settings.FLAG_EXPLICIT
    if score is not None and threshold is not None and score >= threshold:
        _flag_once(FlagKind.EXPLICIT_CONTENT, picture, digest, score, {"threshold": threshold})
    if findings.phash is None:
        return
    found = refused_pictures.nearest(findings.phash, settings.REFUSED_DISTANCE)
    if found is not None:
        refused, distance = found
        facts = {"refused_picture": refused.pk, "differing_bits": distance}
        _flag_once(FlagKind.REFUSED_PICTURE, picture, digest, 1 - distance / 64, facts)


def _flag_once(
    kind: FlagKind, picture: Picture, digest: str, score: float, facts: Mapping[str, float]
) -> None:
    same = Picture.objects.filter(user=picture.user_id, source_digest=digest).exclude(pk=picture.pk)
    if not Flag.objects.filter(kind=kind, case__picture__in=same).exists():
        flag(kind, user=picture.user_id, picture=picture, score=round(score, 4), facts=facts)


def _attempt(what: str, act: Callable[[], T]) -> T | None:
    try:
        return act()
    except Exception as error:
        if isinstance(error, Error) and is_away(error):
            raise
        logger.exception("moderation: the %s failed; the picture is processed all the same", what)
        failures.count(what)
        return None

"""Thumbnails and previews on demand: API calls skip both, and a worker makes them at the first view."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError

from accounts import locks
from common.after_commit import after_commit
from jobs import clock, events, selectors
from jobs.models import Picture, ThumbnailRequest
from jobs.services import lines

logger = logging.getLogger(__name__)

# How long a view waits for a worker, counted from the first view.
WAIT_SECONDS: Final = 5.0
# Events may be lost, so the database is polled at least this often.
LOOK_SECONDS: Final = 1.0
SWEEP_AT_ONCE: Final = 500


def preview_of(picture: Picture) -> str:
    """The key of the newest result's preview; "" if there is none or no worker made it in time. Blocks."""
    rendition = picture.rendition
    if rendition is None or rendition.preview_key or not _made(picture):
        return rendition.preview_key if rendition else ""
    selectors.attach_renditions([picture])
    return picture.rendition.preview_key if picture.rendition else ""


def thumb_of(picture: Picture) -> str:
    """The key of the source's thumbnail; see `preview_of`."""
    if picture.thumb_key or picture.state != Picture.State.DONE or not _made(picture):
        return picture.thumb_key
    return Picture.objects.filter(pk=picture.pk).values_list("thumb_key", flat=True).first() or ""


def sweep() -> int:
    """Deletes failed requests after UPLOAD_HOURS, so that the next view tries again. Returns how many."""
    old = ThumbnailRequest.objects.filter(
        state=ThumbnailRequest.State.FAILED,
        created_at__lt=clock.now() - timedelta(hours=settings.UPLOAD_HOURS),
    )
    with transaction.atomic():
        held = locks.hold(old.order_by("pk")[:SWEEP_AT_ONCE], to_delete=True, skip_locked=True)
        ThumbnailRequest.objects.filter(pk__in=held).delete()
    return len(held)


def request(picture: Picture) -> ThumbnailRequest:
    """Returns the picture's thumbnail request, and dispatches a new one."""
    with transaction.atomic():
        row, created = ThumbnailRequest.objects.get_or_create(
            picture=picture, defaults={"user_id": picture.user_id, "created_at": clock.now()}
        )
        if created:
            after_commit(lines.THUMBNAILS.top_up, picture.user_id)
    found: ThumbnailRequest = row
    return found


def _made(picture: Picture) -> bool:
    """Asks a worker and waits until it is done. Returns False if that takes too long or fails.

    Views that arrive while the first one waits share its wait. Later ones do not wait, so that a platform
    without a worker answers at once.
    """
    row = request(picture)
    left = WAIT_SECONDS - (clock.now() - row.created_at).total_seconds()
    if row.state == ThumbnailRequest.State.FAILED or left <= 0:
        return False
    try:
        return _waited(picture, left)
    except RedisError as error:
        logger.warning("could not request the thumbnails of %s from a worker: %s", picture.pk, error)
        return False


def _waited(picture: Picture, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    name = str(picture.pk)
    with events.subscription(picture.job_id) as hear:
        while True:
            state = _state_of(picture)
            if state is None or state == ThumbnailRequest.State.FAILED:
                return state is None
            look = min(deadline, time.monotonic() + LOOK_SECONDS)
            if time.monotonic() >= deadline:
                return False
            while (left := look - time.monotonic()) > 0:
                hint = hear(left)
                if hint is not None and hint["kind"] == events.THUMBNAILS and hint.get("id") == name:
                    break


def _state_of(picture: Picture) -> str | None:
    return ThumbnailRequest.objects.filter(picture=picture.pk).values_list("state", flat=True).first()

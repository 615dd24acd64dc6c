"""What else happens when a leased row changes or ends: refunds, files, webhook messages, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts import locks
from common.after_commit import after_commit
from jobs import events, storage
from jobs.models import Job, Picture, RenditionRequest, ThumbnailRequest
from jobs.queue.rules import Rules
from jobs.services import charging, discards, progress
from jobs.webhooks import notifications


class PictureRules(Rules[Picture]):
    """A picture that ends may close its job; one that fails is refunded."""

    lost_sentence = "The worker crashed on this picture every time. Save it in another format and try again."

    def lock_parents(self, rows: Sequence[Picture]) -> None:
        """Lock the jobs: of two pictures that end at once, the second sees that it is the last."""
        locks.hold(Job.objects.filter(pk__in={row.job_id for row in rows}))

    def end_fields(self, now: datetime) -> Mapping[str, object]:
        """A picture keeps the time of its end."""
        return {"finished_at": now}

    def ended(self, rows: Sequence[Picture], state: str, error_code: str) -> None:
        """Write webhook messages, close the jobs, and refund failed pictures."""
        ended = [row.pk for row in rows]
        failed = state == Picture.State.FAILED
        charges = charging.withdraw(Picture.objects.filter(pk__in=ended)) if failed else []
        notifications.pictures_ended(ended)
        for job in sorted({row.job_id for row in rows}):
            progress.settle(job)
        charging.refund(charges, error_code)

    def changed(self, rows: Sequence[Picture], state: str) -> None:
        """Publish an event for each picture."""
        for row in rows:
            progress.tell_picture(row.job_id, row.pk, state)


class RenditionRules(Rules[RenditionRequest]):
    """A rendition request that fails is refunded, and loses the corrected matte that came with it."""

    lost_sentence = "The worker crashed on this rendition every time. Try other options."

    def ended(self, rows: Sequence[RenditionRequest], state: str, error_code: str) -> None:
        """Discard uploaded mattes that no worker accepted, and refund."""
        discards.discard(storage.incoming_key(row.pk) for row in rows if row.matte_id is None)
        charging.take_back(RenditionRequest.objects.filter(pk__in=[row.pk for row in rows]), error_code)

    def changed(self, rows: Sequence[RenditionRequest], state: str) -> None:
        """Publish an event for each request. Long polling waits for it."""
        for row in rows:
            after_commit(events.tell, row.picture.job_id, events.RENDITION, id=str(row.pk), state=state)


class ThumbnailRules(Rules[ThumbnailRequest]):
    """Thumbnails cost nothing and leave no file: only viewers wait for them."""

    lost_sentence = "The worker crashed on this thumbnail every time."

    def changed(self, rows: Sequence[ThumbnailRequest], state: str) -> None:
        """Publish an event for each picture. Views wait for it."""
        for row in rows:
            after_commit(
                events.tell, row.picture.job_id, events.THUMBNAILS, id=str(row.picture_id), state=state
            )

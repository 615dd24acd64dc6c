"""Pictures that do not fit into a job's first transaction: recorded with the job, written in slices.

They are charged and counted with the job, so no later slice can exceed a limit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext

from accounts import locks
from jobs.errors import SubmitRefusedError
from jobs.models import Continuation, Job, Picture, Upload
from jobs.services import charging, slices
from jobs.services.charging import Charged
from jobs.webhooks import notifications

READY: Final = (Upload.State.UPLOADED, Upload.State.REFUSED)


def note_rest(
    job: Job,
    rest: Sequence[tuple[UUID, Picture]],
    *,
    source_job: UUID | None,
    charged_at: datetime | None,
) -> None:
    """Records the unwritten pictures of a new job, each with the id of its upload or source picture."""
    if not rest:
        return
    to_run = [picture for _, picture in rest if picture.source_key]
    Continuation.objects.create(
        job=job,
        user_id=job.user_id,
        items=[
            [str(pk), picture.charged_pixels if picture.source_key else None, picture.reserved]
            for pk, picture in rest
        ],
        offset=job.picture_count - len(rest),
        source_job=source_job,
        charged_at=charged_at,
        to_run=len(to_run),
        reserved=sum(picture.reserved for picture in to_run),
    )


def write_slice(row: Continuation, job: Job) -> None:
    """Writes the next pictures of a job. The caller has locked the job, and the source job if there is one.

    If the job is cancelled, they are written as cancelled and refunded. A picture whose upload was deleted in
    the meantime is written as failed.
    """
    part = row.items[row.next : row.next + slices.PICTURES]
    made = _of_uploads(row, part) if row.source_job is None else _of_pictures(part)
    now = timezone.now()
    unused: list[Charged] = []
    pictures: list[Picture] = []
    for position, (pk, pixels, reserved) in enumerate(part, start=row.offset + row.next):
        picture = made.get(UUID(pk)) or _missing()
        picture.job, picture.user_id, picture.lane = job, job.user_id, job.lane
        picture.position, picture.queued_at = position, now
        if picture.source_key:
            picture.charged_pixels, picture.reserved, picture.charged_at = pixels, reserved, row.charged_at
        if picture.source_key and job.state == Job.State.CANCELLED:
            picture.state, picture.finished_at, picture.charged_at = Picture.State.CANCELLED, now, None
        if pixels is not None and picture.charged_at is None and row.charged_at is not None:
            unused.append(Charged(picture.pk, job.user_id, job.pk, pixels, row.charged_at))
        pictures.append(picture)
    Picture.objects.bulk_create(pictures)
    row.next += len(part)
    row.to_run -= sum(pixels is not None for _, pixels, _ in part)
    row.reserved -= sum(reserved for _, _, reserved in part)
    row.save(update_fields=["next", "to_run", "reserved"])
    Job.objects.filter(pk=job.pk).update(to_come=len(row.items) - row.next)
    notifications.pictures_ended([one.pk for one in pictures if one.state == Picture.State.FAILED])
    charging.refund(unused, "cancelled")


def forget_rest(row: Continuation, job: Job) -> list[Charged]:
    """Drops the unwritten pictures of a job that is being deleted.

    Returns the charges to refund. Refund them after the last lock is taken.
    """
    left = row.items[row.next :]
    row.to_run = row.reserved = 0
    row.save(update_fields=["to_run", "reserved"])
    Job.objects.filter(pk=job.pk, picture_count__gt=len(left)).update(
        picture_count=job.picture_count - len(left)
    )
    Job.objects.filter(pk=job.pk).update(to_come=0)
    if row.charged_at is None:
        return []
    return [
        Charged(UUID(pk), job.user_id, job.pk, pixels, row.charged_at)
        for pk, pixels, _ in left
        if pixels is not None
    ]


def take_uploads(ids: Collection[UUID]) -> None:
    """Marks uploads as submitted. Raises SubmitRefusedError if another job has taken one of them."""
    mine = Upload.objects.filter(pk__in=ids)
    taken = mine.filter(state=Upload.State.UPLOADED).update(state=Upload.State.SUBMITTED)
    # Refused uploads have no file, so no later cleanup would find their rows. The picture keeps the error.
    taken += mine.filter(state=Upload.State.REFUSED).delete()[0]
    if taken != len(ids):
        raise SubmitRefusedError(
            "upload_not_ready",
            "One of the files was just submitted with another job. Submit the others without it.",
        )


def of_upload(upload: Upload) -> Picture:
    """Builds an unsaved picture from an upload. A refused upload gives a failed picture with its error."""
    if upload.state == Upload.State.REFUSED:
        return Picture(
            name=upload.name,
            folder=upload.folder,
            state=Picture.State.FAILED,
            finished_at=timezone.now(),
            error_code=upload.error_code,
            error_sentence=upload.error_sentence,
        )
    return Picture(
        name=upload.name,
        folder=upload.folder,
        source_key=upload.key,
        source_size=upload.size,
        format=upload.format,
        width=upload.width,
        height=upload.height,
    )


def of_picture(picture: Picture) -> Picture:
    """Builds an unsaved picture with the same source."""
    return Picture(
        name=picture.name,
        folder=picture.folder,
        source_key=picture.source_key,
        source_size=picture.source_size,
        source_digest=picture.source_digest,
        format=picture.format,
        width=picture.width,
        height=picture.height,
    )


def _of_uploads(row: Continuation, part: Sequence[Sequence[object]]) -> Mapping[UUID, Picture]:
    ready = Upload.objects.filter(pk__in=[pk for pk, *_ in part], user=row.user_id, state__in=READY)
    found = locks.fetch_held(ready, to_delete=True)
    take_uploads([upload.pk for upload in found])
    return {upload.pk: of_upload(upload) for upload in found}


def _of_pictures(part: Sequence[Sequence[object]]) -> Mapping[UUID, Picture]:
    found = Picture.objects.filter(pk__in=[pk for pk, *_ in part])
    return {picture.pk: of_picture(picture) for picture in found}


def _missing() -> Picture:
    return Picture(
        name=gettext("deleted file"),
        state=Picture.State.FAILED,
        finished_at=timezone.now(),
        error_code="upload_not_ready",
        error_sentence=gettext("This file was deleted before its picture was queued. Send it again."),
    )

"""Removing: rows and files together, cancelling, and sweeping what nobody owns."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Count, F, QuerySet, When
from django.utils import timezone

from accounts import locks
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from jobs import clock, events, storage
from jobs.errors import GoneError
from jobs.models import (
    Continuation,
    Discard,
    Job,
    Matte,
    Picture,
    Receipt,
    Rendition,
    RenditionRequest,
    ThumbnailRequest,
    Upload,
)
from jobs.services import charging, growing, receipts, slices, storage_usage, tags, titles
from jobs.storage import StoreRefusedError, StoreUnavailableError
from jobs.webhooks import notifications
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

# Files, or uploads with theirs, in one transaction.
SWEEP = 200


@again_after_deadlock
def cancel(job: Job) -> int:
    """Cancel what is queued or running in a job; what is done stays. How many pictures were cancelled.

    What did not run yet is refunded. Raises GoneError where the job was deleted.
    """
    from jobs.services import continuing  # which cancels the rest with what is here

    with transaction.atomic():
        if not locks.hold(Job.objects.filter(pk=job.pk)):
            raise GoneError
        row = Continuation.objects.filter(pk=job.pk).first()
        count = _open_of(job.pk).count() + (row.to_run if row else 0)
        # The job first: what is cut off here is carried on by the scheduler.
        stopped = Job.objects.filter(pk=job.pk, state=Job.State.ACTIVE).update(
            state=Job.State.CANCELLED, finished_at=timezone.now()
        )
        if stopped:
            after_commit(events.tell, job.pk, "job", state=Job.State.CANCELLED)
        more = row is not None or count > slices.PICTURES
        if more:
            Continuation.objects.get_or_create(job_id=job.pk, defaults={"user_id": job.user_id})
            after_commit(continuing.finish, job.pk)
        cancel_slice(job.pk, tell=bool(stopped) and not more)
    return count


def cancel_slice(job: UUID, *, tell: bool = False) -> int:
    """Cancel the next pictures of a job, which the caller holds; how many. tell: the job ends with them."""
    chosen = list(_open_of(job).order_by("pk").values_list("pk", flat=True)[: slices.PICTURES])
    going_on = _open_of(job).filter(pk__in=locks.hold(_open_of(job).filter(pk__in=chosen)))
    charges = charging.standing(going_on.filter(state=Picture.State.QUEUED))
    cancelled = going_on.update(
        charged_at=Case(When(state=Picture.State.QUEUED, then=None), default=F("charged_at")),
        state=Picture.State.CANCELLED,
        lease_token=None,
        lease_until=None,
        dispatched_at=None,
        finished_at=timezone.now(),
    )
    if tell:
        notifications.job_ended(job)
    charging.refund(charges, "cancelled")
    return cancelled


def _open_of(job: UUID) -> QuerySet[Picture]:
    rows: QuerySet[Picture] = Picture.objects.filter(
        job=job, state__in=[Picture.State.QUEUED, Picture.State.RUNNING]
    )
    return rows


@again_after_deadlock
def delete_jobs(jobs: Collection[UUID], reason: str | None = Receipt.Reason.OWNER, *, note: str = "") -> int:
    """Delete jobs with their pictures, mattes, renditions and every file of theirs; how many jobs.

    A receipt of each stays with its owner, with the `note`; what staff deletes, the owner is also told by
    mail. What did not run yet is refunded.
    """
    from jobs.services import continuing  # which deletes the rest with what is here

    with transaction.atomic():
        # Held, so that nobody makes a new job of these sources between the look and the deletion. What a
        # worker writes now waits, and finds nothing.
        rows = locks.fetch_held(Job.objects.filter(pk__in=jobs), to_delete=True)
        began = {row.pk: row for row in Continuation.objects.filter(job__in=rows)}
        rows = [job for job in rows if job.pk not in began or not began[job.pk].deleting]
        mine = [job.pk for job in rows]
        if reason is not None:
            receipts.of_jobs(rows, reason, note)
        pictures = Picture.objects.filter(job__in=mine)
        if not began and pictures.count() <= slices.PICTURES:
            _delete(pictures)
            Job.objects.filter(pk__in=mine).delete()
            if rows:
                after_commit(tags.sweep, {job.user_id for job in rows})
        else:
            _begin_deletion(rows, began)
            for pk in mine:
                after_commit(continuing.finish, pk)
    logger.info("deleted %d jobs", len(rows))
    return len(rows)


def _begin_deletion(jobs: Collection[Job], began: Mapping[UUID, Continuation]) -> None:
    """Note jobs whose deletion takes several transactions. They stop being active, so nobody closes them."""
    new = [Continuation(job=job, user_id=job.user_id) for job in jobs if job.pk not in began]
    Continuation.objects.bulk_create(new)
    Continuation.objects.filter(job__in=jobs).update(deleting=True)
    Job.objects.filter(pk__in=[job.pk for job in jobs], state=Job.State.ACTIVE).update(
        state=Job.State.CANCELLED, finished_at=timezone.now()
    )
    charges = [one for job in jobs if job.pk in began for one in growing.forget_rest(began[job.pk], job)]
    charging.refund(charges, "deleted")


def delete_slice(row: Continuation, job: Job) -> bool:
    """Delete the next pictures of a job, and the job with its last; whether there is more."""
    part = row.items[row.next : row.next + slices.PICTURES]
    if part:
        # Of these the pictures were never written. What is not a job's own stays with its owner.
        if row.source_job is None:
            _delete_uploads(
                Upload.objects.filter(
                    pk__in=[pk for pk, *_ in part], user=row.user_id, state__in=growing.READY
                )
            )
        Continuation.objects.filter(pk=row.pk).update(next=row.next + len(part))
        return True
    mine = Picture.objects.filter(job=job.pk)
    chosen = list(mine.order_by("pk").values_list("pk", flat=True)[: slices.PICTURES])
    _delete(mine.filter(pk__in=chosen))
    if mine.exists():
        Job.objects.filter(pk=job.pk, picture_count__gt=len(chosen)).update(
            picture_count=F("picture_count") - len(chosen)
        )
        return True
    Job.objects.filter(pk=job.pk).delete()
    after_commit(tags.sweep, {job.user_id})
    return False


def _delete(pictures: QuerySet[Picture]) -> int:
    """Delete pictures with their files. The caller holds their jobs."""
    locks.hold(pictures, to_delete=True)
    charges = charging.standing(pictures.filter(state=Picture.State.QUEUED))
    freed = _discard_files(pictures)
    charging.take_back(RenditionRequest.objects.filter(picture__in=pictures), "deleted")
    deleted = pictures.delete()[1].get("jobs.Picture", 0)
    charging.refund(charges, "deleted")
    storage_usage.free(freed)
    return deleted


@again_after_deadlock
def delete_pictures(ids: Collection[UUID], reason: str = Receipt.Reason.OWNER, *, note: str = "") -> int:
    """Delete single pictures with their files; a job that is left without any goes with its last.

    Receipts and mails are as of `delete_jobs`.
    """
    from jobs.services import progress, search_index

    with transaction.atomic():
        pictures = Picture.objects.filter(pk__in=ids)
        jobs = set(pictures.values_list("job_id", flat=True))
        locks.hold(Job.objects.filter(pk__in=jobs), to_delete=True)
        locks.hold(pictures, to_delete=True)
        charges = charging.standing(pictures.filter(state=Picture.State.QUEUED))
        named = titles.names_in(jobs)
        receipts.of_pictures(pictures, reason, note)
        freed = _discard_files(pictures)
        charging.take_back(RenditionRequest.objects.filter(picture__in=pictures), "deleted")
        deleted = pictures.delete()[1].get("jobs.Picture", 0)
        Job.objects.filter(pk__in=jobs, pictures__isnull=True, to_come=0).delete()
        # Where none is left, others are still to be written.
        Job.objects.filter(pk__in=jobs, pictures__isnull=True).update(picture_count=F("to_come"))
        for job, left in (
            Picture.objects.filter(job__in=jobs).values_list("job").annotate(n=Count("*")).order_by()
        ):
            Job.objects.filter(pk=job).update(picture_count=left + F("to_come"))
        titles.after_deletion(named)
        for job in jobs:
            progress.settle(job)
        search_index.note_again(jobs)
        charging.refund(charges, "deleted")
        storage_usage.free(freed)
    return deleted


def discard(keys: Iterable[str]) -> None:
    """Delete files once this transaction stands; the note survives a crash in between."""
    kept = sorted({key for key in keys if key})
    Discard.objects.bulk_create([Discard(key=key) for key in kept], batch_size=500, ignore_conflicts=True)
    after_commit(sweep_discards, SWEEP)


def sweep_discards(most: int = SWEEP) -> int:
    """Delete files whose owner's row is gone; how many. What cannot be deleted now is tried again later."""
    rows = list(Discard.objects.values_list("pk", "key")[:most])
    stuck: list[str] = []
    try:
        storage.delete([key for _, key in rows])
    except StoreUnavailableError as error:
        logger.warning("%d files wait for their deletion: %s", len(rows), error)
        return 0
    except (StoreRefusedError, OSError):
        # One of them: find out which, so that it does not hold up the others.
        stuck = [key for _, key in rows if not _deleted(key)]
    with transaction.atomic():
        # Who sweeps at the same time has deleted the same files, and notes that itself.
        mine = locks.hold(
            Discard.objects.filter(pk__in=[pk for pk, _ in rows]), to_delete=True, skip_locked=True
        )
        Discard.objects.filter(pk__in=mine).delete()
        # Noted anew, and so behind all that wait.
        Discard.objects.bulk_create([Discard(key=key) for key in stuck], ignore_conflicts=True)
    return len(rows) - len(stuck)


def _deleted(key: str) -> bool:
    try:
        storage.delete([key])
    except (StoreRefusedError, OSError):
        logger.exception("could not delete %s", key)
        return False
    return True


def sweep_uploads() -> int:
    """Delete uploads that were never submitted in their time, with their bytes; how many."""
    stale = Upload.objects.exclude(state=Upload.State.SUBMITTED).filter(
        created_at__lt=clock.now() - timedelta(hours=settings.UPLOAD_HOURS)
    )
    return delete_uploads(stale)


@again_after_deadlock
def delete_uploads(unsubmitted: QuerySet[Upload]) -> int:
    """Delete the first of these uploads, none of which is part of a job, with their bytes; how many."""
    with transaction.atomic():
        chosen = list(unsubmitted.values_list("pk", flat=True)[:SWEEP])
        # Looked at again: one may have become part of a job since.
        return _delete_uploads(unsubmitted.filter(pk__in=chosen))


def _delete_uploads(uploads: QuerySet[Upload]) -> int:
    rows = locks.fetch_held(uploads, to_delete=True)
    discard(key for row in rows for key in (storage.incoming_key(row.pk), row.key))
    gone = Upload.objects.filter(pk__in=[upload.pk for upload in rows])
    freed = storage_usage.of_uploads(gone)
    gone.delete()
    storage_usage.free(freed)
    return len(rows)


def _discard_files(pictures: QuerySet[Picture]) -> Counter[int]:
    """The files of pictures that are about to go, and the uploads they came from; their bytes by user."""
    for requests in (RenditionRequest, ThumbnailRequest):
        locks.hold(requests.objects.filter(picture__in=pictures), to_delete=True)
    _hold_sources(pictures)
    freed = storage_usage.of_pictures(pictures)
    sources = _sources_of(pictures)
    discard([*sources, *_keys_of(pictures)])
    uploads = [UUID(key.removeprefix("sources/")) for key in sources]
    for start in range(0, len(uploads), SWEEP):
        part = Upload.objects.filter(pk__in=uploads[start : start + SWEEP])
        freed += storage_usage.of_uploads(part)
        part.delete()
    return freed


def _hold_sources(pictures: QuerySet[Picture]) -> None:
    """Lock the sources: of two jobs that share one and go at once, the second takes it along."""
    keys = pictures.exclude(source_key="").values_list("source_key", flat=True)
    ids = sorted({UUID(key.removeprefix("sources/")) for key in keys})
    for start in range(0, len(ids), SWEEP):
        locks.hold(Upload.objects.filter(pk__in=ids[start : start + SWEEP]), to_delete=True)


def _sources_of(pictures: QuerySet[Picture]) -> list[str]:
    """Their sources, but for those that other pictures share."""
    mine = pictures.exclude(source_key="").values("source_key")
    shared = Picture.objects.filter(source_key__in=mine).exclude(pk__in=pictures.values("pk"))
    return list(
        pictures.exclude(source_key="")
        .exclude(source_key__in=shared.values("source_key"))
        .values_list("source_key", flat=True)
        .distinct()
    )


def _keys_of(pictures: QuerySet[Picture]) -> list[str]:
    from jobs.services import rendition_requests  # which discards files with what is here

    keys = list(pictures.values_list("thumb_key", flat=True))
    keys += Matte.objects.filter(picture__in=pictures).values_list("key", flat=True)
    keys += [
        key
        for row in Rendition.objects.filter(picture__in=pictures).values_list("key", "preview_key")
        for key in row
    ]
    keys += rendition_requests.keys_of(pictures)
    unfinished = pictures.filter(started_at__isnull=False).exclude(state=Picture.State.DONE)
    for picture, recipe in unfinished.values_list("pk", "job__recipe"):
        keys += _keys_of_attempt(picture, Recipe.stored(recipe))
    return [key for key in keys if key]


def _keys_of_attempt(picture: UUID, recipe: Recipe) -> list[str]:
    """Where a worker may have left files that no row names, because it broke off before the rows."""
    return [
        storage.thumb_key(picture),
        storage.matte_key(picture, 1),
        storage.rendition_key(picture, 1, recipe.digest, recipe.extension),
        storage.preview_key(picture, 1, recipe.digest),
    ]

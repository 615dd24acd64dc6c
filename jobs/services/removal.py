"""Cancels and deletes: rows together with their files, and sweeps of leftovers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping
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
    Job,
    Matte,
    Picture,
    Receipt,
    Rendition,
    RenditionRequest,
    ThumbnailRequest,
    Upload,
)
from jobs.services import (
    charging,
    figures,
    growing,
    receipts,
    rendition_files,
    shares,
    slices,
    storage_usage,
    tags,
    titles,
)
from jobs.services.discards import SWEEP, discard
from jobs.webhooks import notifications
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)


@again_after_deadlock
def cancel(job: Job) -> int:
    """Cancels the queued and running pictures of a job; finished ones stay. Returns how many are cancelled.

    Queued pictures are refunded. Raises GoneError if the job was deleted.
    """
    from jobs.services import continuing  # circular import

    with transaction.atomic():
        if not locks.hold(Job.objects.filter(pk=job.pk)):
            raise GoneError
        row = Continuation.objects.filter(pk=job.pk).first()
        count = _open_of(job.pk).count() + (row.to_run if row else 0)
        # Update the job first: if this process dies, the scheduler cancels the rest.
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
    """Cancels the next pictures of a job that the caller has locked. Returns how many.

    tell: these are the last ones, so write the webhook message for the end of the job.
    """
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
    """Deletes jobs with their pictures, mattes, renditions and files. Returns how many jobs.

    The owner keeps a receipt for each, with the `note`, and gets a mail if staff deletes them. Queued
    pictures are refunded.
    """
    from jobs.services import continuing  # circular import

    with transaction.atomic():
        # The lock keeps other requests from making a new job of these sources. Workers that write results
        # wait for it, and then find no row.
        rows = locks.fetch_held(Job.objects.filter(pk__in=jobs), to_delete=True)
        began = {row.pk: row for row in Continuation.objects.filter(job__in=rows)}
        rows = [job for job in rows if job.pk not in began or not began[job.pk].deleting]
        mine = [job.pk for job in rows]
        if reason is not None:
            receipts.of_jobs(rows, reason, note)
        shares.end_of_jobs(mine)
        pictures = Picture.objects.filter(job__in=mine)
        if not began and pictures.count() <= slices.PICTURES:
            _delete(pictures, by_owner=reason == Receipt.Reason.OWNER)
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
    """Records jobs whose deletion takes several transactions. Cancels them, so nothing else closes them."""
    new = [Continuation(job=job, user_id=job.user_id) for job in jobs if job.pk not in began]
    Continuation.objects.bulk_create(new)
    Continuation.objects.filter(job__in=jobs).update(deleting=True)
    Job.objects.filter(pk__in=[job.pk for job in jobs], state=Job.State.ACTIVE).update(
        state=Job.State.CANCELLED, finished_at=timezone.now()
    )
    charges = [one for job in jobs if job.pk in began for one in growing.forget_rest(began[job.pk], job)]
    charging.refund(charges, "deleted")


def delete_slice(row: Continuation, job: Job) -> bool:
    """Deletes the next pictures of a job, and the job with the last ones. Returns whether there is more."""
    part = row.items[row.next : row.next + slices.PICTURES]
    if part:
        # These pictures were never written. Delete their uploads, but not sources that belong to another job.
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
    by_owner = Receipt.objects.filter(job=job.pk, whole=True, reason=Receipt.Reason.OWNER).exists()
    _delete(mine.filter(pk__in=chosen), by_owner=by_owner)
    if mine.exists():
        Job.objects.filter(pk=job.pk, picture_count__gt=len(chosen)).update(
            picture_count=F("picture_count") - len(chosen)
        )
        return True
    Job.objects.filter(pk=job.pk).delete()
    after_commit(tags.sweep, {job.user_id})
    return False


def _delete(pictures: QuerySet[Picture], *, by_owner: bool) -> int:
    """Deletes pictures with their files. The caller has locked their jobs."""
    locks.hold(pictures, to_delete=True)
    figures.keep(pictures, by_owner=by_owner)
    charges = charging.standing(pictures.filter(state=Picture.State.QUEUED))
    freed = _discard_files(pictures)
    charging.take_back(RenditionRequest.objects.filter(picture__in=pictures), "deleted")
    deleted = pictures.delete()[1].get("jobs.Picture", 0)
    charging.refund(charges, "deleted")
    storage_usage.free(freed)
    return deleted


@again_after_deadlock
def delete_pictures(ids: Collection[UUID], reason: str = Receipt.Reason.OWNER, *, note: str = "") -> int:
    """Deletes single pictures with their files, and jobs that are left empty.

    Writes receipts and sends mails as `delete_jobs` does.
    """
    from jobs.services import progress, search_index

    with transaction.atomic():
        pictures = Picture.objects.filter(pk__in=ids)
        jobs = set(pictures.values_list("job_id", flat=True))
        locks.hold(Job.objects.filter(pk__in=jobs), to_delete=True)
        locks.hold(pictures, to_delete=True)
        charges = charging.standing(pictures.filter(state=Picture.State.QUEUED))
        named = titles.first_names(jobs)
        receipts.of_pictures(pictures, reason, note)
        figures.keep(pictures, by_owner=reason == Receipt.Reason.OWNER)
        freed = _discard_files(pictures)
        charging.take_back(RenditionRequest.objects.filter(picture__in=pictures), "deleted")
        deleted = pictures.delete()[1].get("jobs.Picture", 0)
        Job.objects.filter(pk__in=jobs, pictures__isnull=True, to_come=0).delete()
        shares.end_empty(jobs)
        # These jobs have no pictures left but some still to be written.
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


def sweep_uploads() -> int:
    """Deletes uploads that were not submitted within UPLOAD_HOURS, with their files. Returns how many."""
    stale = Upload.objects.exclude(state=Upload.State.SUBMITTED).filter(
        created_at__lt=clock.now() - timedelta(hours=settings.UPLOAD_HOURS)
    )
    return delete_uploads(stale)


@again_after_deadlock
def delete_uploads(unsubmitted: QuerySet[Upload]) -> int:
    """Deletes the first of these unsubmitted uploads, with their files. Returns how many."""
    with transaction.atomic():
        chosen = list(unsubmitted.values_list("pk", flat=True)[:SWEEP])
        # Filter again under the lock: a job may have taken one in the meantime.
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
    """Discards the files of pictures that are about to be deleted, and deletes their uploads.

    Returns the freed bytes by user.
    """
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
    """Locks the sources. If two jobs that share a source are deleted at once, the second deletes the file."""
    keys = pictures.exclude(source_key="").values_list("source_key", flat=True)
    ids = sorted({UUID(key.removeprefix("sources/")) for key in keys})
    for start in range(0, len(ids), SWEEP):
        locks.hold(Upload.objects.filter(pk__in=ids[start : start + SWEEP]), to_delete=True)


def _sources_of(pictures: QuerySet[Picture]) -> list[str]:
    """Returns the sources of these pictures that no other picture uses."""
    mine = pictures.exclude(source_key="").values("source_key")
    shared = Picture.objects.filter(source_key__in=mine).exclude(pk__in=pictures.values("pk"))
    return list(
        pictures.exclude(source_key="")
        .exclude(source_key__in=shared.values("source_key"))
        .values_list("source_key", flat=True)
        .distinct()
    )


def _keys_of(pictures: QuerySet[Picture]) -> list[str]:
    keys = list(pictures.values_list("thumb_key", flat=True))
    keys += Matte.objects.filter(picture__in=pictures).values_list("key", flat=True)
    keys += [
        key
        for row in Rendition.objects.filter(picture__in=pictures).values_list("key", "preview_key")
        for key in row
    ]
    keys += rendition_files.keys_of(pictures)
    unfinished = pictures.filter(started_at__isnull=False).exclude(state=Picture.State.DONE)
    for picture, recipe in unfinished.values_list("pk", "job__recipe"):
        keys += _keys_of_attempt(picture, Recipe.stored(recipe))
    return [key for key in keys if key]


def _keys_of_attempt(picture: UUID, recipe: Recipe) -> list[str]:
    """Returns the keys that an interrupted attempt may have written without a row."""
    return [
        storage.thumb_key(picture),
        storage.matte_key(picture, 1),
        storage.rendition_key(picture, 1, recipe.digest, recipe.extension),
        storage.preview_key(picture, 1, recipe.digest),
    ]

"""Submit: makes a job of finished uploads. Writes its first pictures with it, the others in slices."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import locks
from accounts.models import ApiToken, User
from accounts.selectors import Allowed, allowed
from accounts.services import quota
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from jobs.errors import GoneError, SubmitRefusedError
from jobs.models import Job, Picture, Upload
from jobs.models.job import Lane
from jobs.selectors import registered_models
from jobs.selectors.hidden import refuse_hidden_job
from jobs.services import (
    backdrops,
    charging,
    continuing,
    growing,
    lines,
    progress,
    result_limits,
    search_index,
    slices,
    storage_reservation,
    titles,
)
from jobs.webhooks import notifications
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe


@again_after_deadlock
def submit(
    user: User,
    uploads: Sequence[UUID],
    recipe: Recipe,
    *,
    origin: str = Job.Origin.WEB,
    title: str = "",
    token: ApiToken | None = None,
) -> Job:
    """Makes a queued job of these uploads, in this order.

    A refused upload becomes a failed picture with its error.

    Raises SubmitRefusedError if there are no uploads or too many, or if an upload is not this user's, not
    finished or already in a job. Raises RecipeError for an invalid recipe, and QuotaExceededError if the
    plan's limits are exceeded. Writes nothing then.
    """
    check(recipe)
    if not uploads:
        raise SubmitRefusedError("no_pictures", "Choose at least one picture.")
    if len(uploads) > settings.MAX_JOB_PICTURES:
        raise SubmitRefusedError(
            "too_many_pictures",
            f"A job holds at most {settings.MAX_JOB_PICTURES} pictures. Submit them in parts.",
        )
    ready = Upload.objects.for_user(user).filter(pk__in=uploads, state__in=growing.READY)
    # Finished uploads do not change, so they are read and priced before the transaction.
    found = ready.in_bulk()
    most = allowed(user)
    pictures = [growing.of_upload(found[pk]) for pk in uploads if pk in found]
    price(user, pictures, recipe, most)
    with transaction.atomic():
        locks.hold_user(user.pk)
        first = uploads[: slices.PICTURES]
        there = len(locks.hold(ready.filter(pk__in=first), to_delete=True))
        if len(first) < len(uploads):
            there = ready.count()
        if len(found) != len(uploads) or there != len(uploads):
            raise SubmitRefusedError(
                "upload_not_ready",
                "One of the files is not finished, or was submitted before. Send it again.",
            )
        job = create_job(
            user, pictures, recipe, most, origin=origin, title=title, token=token, made_of=uploads
        )
        growing.take_uploads(first)
        notifications.pictures_ended(
            [picture.pk for picture in pictures[: slices.PICTURES] if picture.state == Picture.State.FAILED]
        )
        progress.settle(job.pk)
        # If all uploads were refused, the job is already finished.
        job.refresh_from_db()
        # Lock order: the storage counter comes last.
        quota.check_reserved(user, most=most)
        after_commit(lines.PICTURES.top_up, user.pk)
        if job.to_come:
            after_commit(continuing.finish, job.pk)
    return job


@again_after_deadlock
def again(job: Job, recipe: Recipe, *, token: ApiToken | None = None) -> Job:
    """Makes a new job of the same sources with another recipe. If the matte stays the same, no model runs.

    The jobs share the sources: the last job that uses a source deletes it. Pictures that a moderator hid stay
    out of it. Raises HiddenError if the whole job is hidden, SubmitRefusedError if the job has no sources,
    GoneError if it was deleted, and RecipeError and QuotaExceededError as `submit` does. As no upload checks
    the quota here, it also raises QuotaExceededError if the storage is already full.
    """
    check(recipe)
    refuse_hidden_job(job)
    quota.check_storage(job.user, 1)
    most = allowed(job.user)
    # A copy of a hidden picture would not be hidden.
    mine = Picture.objects.filter(job=job, hidden_at__isnull=True).exclude(source_key="").order_by("position")
    pictures, sources = _copies(job.user, mine, recipe, most)
    with transaction.atomic():
        locks.hold_user(job.user_id)
        # The lock lasts until the new rows are written, so a concurrent deletion sees that the sources are in
        # use.
        if not locks.hold(Job.objects.filter(pk=job.pk)):
            raise GoneError
        if mine.count() != len(pictures):
            pictures, sources = _copies(job.user, mine, recipe, most)
        if not sources:
            raise SubmitRefusedError("no_pictures", "This job has no pictures that could be run again.")
        title = titles.of_next_run(job, [picture.name for picture in sources])
        new = create_job(
            job.user,
            sources,
            recipe,
            most,
            origin=job.origin,
            title=title,
            token=token,
            made_of=pictures,
            source_job=job.pk,
        )
        Job.objects.filter(pk=job.pk, redone_at__isnull=True).update(redone_at=timezone.now())
        quota.check_reserved(job.user, most=most)
        after_commit(lines.PICTURES.top_up, job.user_id)
        if new.to_come:
            after_commit(continuing.finish, new.pk)
    return new


def check(recipe: Recipe) -> None:
    """Raises RecipeError for an unknown model or a size that no source allows."""
    known = registered_models.names()
    if recipe.model not in known:
        raise RecipeError(
            "invalid_model",
            f"There is no model {recipe.model!r}. Choose one of: {', '.join(sorted(known))}.",
            "model",
        )
    result_limits.check_size(recipe, settings.MAX_RESULT_PIXELS)


def price(user: User, pictures: Sequence[Picture], recipe: Recipe, most: Allowed) -> None:
    """Sets the charge and the storage reservation of new pictures.

    Raises RecipeError if a result would be too large.
    """
    largest = result_limits.most_pixels(user, most)
    for picture in pictures:
        if picture.source_key:
            result_limits.check(picture, recipe, largest)
            picture.charged_pixels = result_limits.charged_pixels(picture, recipe, largest)
            picture.reserved = storage_reservation.of_picture(picture, recipe, largest)


def _copies(
    user: User, pictures: QuerySet[Picture], recipe: Recipe, most: Allowed
) -> tuple[list[UUID], list[Picture]]:
    """Returns the ids of the pictures, and unsaved pictures with the same sources and their prices."""
    rows = list(pictures)
    made = [growing.of_picture(picture) for picture in rows]
    price(user, made, recipe, most)
    return [picture.pk for picture in rows], made


def create_job(
    user: User,
    pictures: list[Picture],
    recipe: Recipe,
    most: Allowed,
    *,
    origin: str,
    title: str = "",
    token: ApiToken | None = None,
    ephemeral: bool = False,
    made_of: Sequence[UUID] = (),
    source_job: UUID | None = None,
) -> Job:
    """Writes and charges a job and its first slice of pictures.

    Sets the job and position of the given `pictures`, which must have their prices. If the job's `to_come` is
    not 0, call continuing.finish after the commit. Call it in a transaction, and quota.check_reserved at the
    end of that.

    made_of: for each picture the upload, or the picture of `source_job`.
    most: the user's limits.

    Raises RecipeError if the backdrop does not exist, and QuotaExceededError.
    """
    to_run = [picture for picture in pictures if picture.source_key]
    quota.check_in_flight(user, len(to_run), most=most)
    interactive = origin == Job.Origin.CALL or len(pictures) <= settings.INTERACTIVE_PICTURES
    lane = Lane.INTERACTIVE if interactive else Lane.BATCH
    job = Job.objects.create(
        user=user,
        title=(title or titles.of_pictures(pictures[0].name, len(pictures)))[: titles.MAX_LENGTH],
        origin=origin,
        ephemeral=ephemeral,
        backdrop=backdrops.of(user, recipe),
        lane=lane,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
        picture_count=len(pictures),
        to_come=max(0, len(pictures) - slices.PICTURES),
    )
    now = timezone.now()
    for position, picture in enumerate(pictures[: slices.PICTURES]):
        picture.job, picture.user, picture.lane = job, user, lane
        picture.position, picture.queued_at = position, now
    charged_at = charging.charge(user, job.pk, to_run, token=token, most=most)
    Picture.objects.bulk_create(pictures[: slices.PICTURES])
    rest = list(zip(made_of, pictures, strict=False))[slices.PICTURES :]
    growing.note_rest(job, rest, source_job=source_job, charged_at=charged_at)
    search_index.note(job, (picture.name for picture in pictures))
    return job

"""Submit: one transaction makes a job and its pictures of finished uploads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from jobs.errors import SubmitRefusedError
from jobs.models import Job, Picture, Upload
from jobs.models.job import Lane
from jobs.services import dispatch, progress
from segmentation import weights
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe
from segmentation.recipe.parts import Backdrop


def submit(
    user: User, uploads: Sequence[UUID], recipe: Recipe, *, origin: str = Job.Origin.WEB, title: str = ""
) -> Job:
    """A job of these uploads in this order, queued. A refused upload becomes a failed picture that says why.

    Raises SubmitRefusedError where there is nothing to do, too much, or an upload is not this user's, not
    finished or in a job already, and RecipeError for what no worker could do; nothing is written then.
    """
    _check(recipe)
    if not uploads:
        raise SubmitRefusedError("no_pictures", "Choose at least one picture.")
    if len(uploads) > settings.MAX_JOB_PICTURES:
        raise SubmitRefusedError(
            "too_many_pictures",
            f"A job holds at most {settings.MAX_JOB_PICTURES} pictures. Submit them in parts.",
        )
    with transaction.atomic():
        found = {
            upload.pk: upload
            for upload in Upload.objects.for_user(user)
            .filter(pk__in=uploads, state__in=[Upload.State.UPLOADED, Upload.State.REFUSED])
            .select_for_update()
        }
        if len(found) != len(uploads):
            raise SubmitRefusedError(
                "upload_not_ready",
                "One of the files is not finished, or was submitted before. Send it again.",
            )
        ordered = [found[pk] for pk in uploads]
        job = _create_job(user, ordered, recipe, origin, title)
        mine = Upload.objects.filter(pk__in=uploads)
        taken = mine.filter(state=Upload.State.UPLOADED).update(state=Upload.State.SUBMITTED)
        # Of a refused one its picture says all; it has no bytes by which anything would ever find it again.
        taken += mine.filter(state=Upload.State.REFUSED).delete()[0]
        if taken != len(uploads):
            raise SubmitRefusedError("upload_not_ready", "One of the files was submitted a moment ago.")
        progress.settle(job.pk)
        transaction.on_commit(partial(dispatch.top_up, user.pk))
    job.refresh_from_db()
    return job


def _check(recipe: Recipe) -> None:
    # The web may run where no weights are: what the operator chose is taken for being there.
    known = {*weights.names(), settings.MODEL}
    if recipe.model not in known:
        raise RecipeError(
            "invalid_model",
            f"There is no model {recipe.model!r} here: there are {', '.join(sorted(known))}.",
            "model",
        )
    if isinstance(recipe.background, Backdrop):
        raise RecipeError(
            "invalid_background",
            "A picture cannot be a background here yet: choose a colour.",
            "background",
        )


def _create_job(user: User, uploads: list[Upload], recipe: Recipe, origin: str, title: str) -> Job:
    interactive = len(uploads) <= settings.INTERACTIVE_PICTURES
    lane = Lane.INTERACTIVE if interactive else Lane.BATCH
    job = Job.objects.create(
        user=user,
        title=(title or _title(uploads))[:255],
        origin=origin,
        lane=lane,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
        picture_count=len(uploads),
    )
    now = timezone.now()
    Picture.objects.bulk_create(
        [
            Picture(
                job=job,
                user=user,
                position=position,
                lane=lane,
                name=upload.name,
                queued_at=now,
                **(
                    {
                        "source_key": upload.key,
                        "source_size": upload.size,
                        "format": upload.format,
                        "width": upload.width,
                        "height": upload.height,
                    }
                    if upload.state == Upload.State.UPLOADED
                    else {
                        "state": Picture.State.FAILED,
                        "finished_at": now,
                        "error_code": upload.error_code,
                        "error_sentence": upload.error_sentence,
                    }
                ),
            )
            for position, upload in enumerate(uploads)
        ],
        batch_size=500,
    )
    return job


def _title(uploads: list[Upload]) -> str:
    first = uploads[0].name
    return first if len(uploads) == 1 else f"{first} and {len(uploads) - 1} more"

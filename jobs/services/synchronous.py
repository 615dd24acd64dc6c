"""Synchronous calls: one picture, with its bytes in the request, queued in the interactive lane.

Clients that time out repeat their call. So a user's calls with the same bytes and recipe share one job if
they arrive within SAME_FOR.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import locks
from accounts.models import ApiToken, User
from accounts.selectors import allowed
from accounts.services import quota
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from common.ids import new_id
from jobs import clock, names, storage
from jobs.models import Job, Picture, Rendition, Upload
from jobs.models.job import Lane
from jobs.services import backdrops, growing, lines, refused_pictures, removal, submit
from segmentation.pictures import PictureInfo
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

SAME_FOR: Final = timedelta(minutes=10)
# Time for a client to repeat a call that timed out, before its ephemeral job is deleted.
FORGET_AFTER: Final = timedelta(minutes=2)
AT_ONCE: Final = 50


@dataclass(frozen=True)
class Source:
    """A picture's bytes, the facts from its header, and its file name."""

    data: bytes
    name: str
    info: PictureInfo


@dataclass(frozen=True)
class Call:
    """A queued picture. charged: False if it belongs to an earlier, identical call."""

    job: UUID
    picture: UUID
    recipe_digest: str
    charged: bool


@again_after_deadlock
def begin(
    user: User, source: Source, recipe: Recipe, *, token: ApiToken | None, ephemeral: bool = False
) -> Call:
    """Queues and dispatches a job for a call, or returns that of an identical earlier call.

    ephemeral: `forget` deletes everything afterwards. Raises RecipeError, QuotaExceededError, and
    UploadRefusedError for a picture that staff refuse; writes nothing then.
    """
    submit.check(recipe)
    digest = hashlib.sha256(source.data).hexdigest()
    refused_pictures.check_digest(digest)
    upload = _upload(user, source)
    storage.check_room(len(source.data))
    storage.write(upload.key, source.data)
    kept = False
    try:
        with transaction.atomic():
            # The lock on the user makes the second of two identical calls find the first.
            locks.hold_user(user.pk)
            if same := _same(user, digest, recipe, ephemeral):
                return same
            call = _write(user, upload, digest, recipe, token, ephemeral)
        kept = True
    finally:
        if not kept:
            storage.delete([upload.key])
    return call


def rendition_of(call: Call) -> Rendition | None:
    """Returns the call's rendition, or None while it is not finished."""
    return Rendition.objects.filter(
        picture=call.picture, recipe_digest=call.recipe_digest, matte__revision=1
    ).first()


def forget(job: UUID) -> None:
    """Deletes an ephemeral job with its rows and files. Writes no receipt."""
    found = Job.objects.filter(pk=job, ephemeral=True).select_related("backdrop").first()
    if found is None:
        return
    removal.delete_jobs([job], reason=None)
    if found.backdrop is not None:
        backdrops.forget(found.backdrop)


def sweep() -> int:
    """Deletes ephemeral jobs that ended and whose results were not fetched. Returns how many."""
    left = Job.objects.filter(ephemeral=True, finished_at__lt=clock.now() - FORGET_AFTER)
    ids = list(left.values_list("pk", flat=True)[:AT_ONCE])
    for job in ids:
        forget(job)
    return len(ids)


def _same(user: User, digest: str, recipe: Recipe, ephemeral: bool) -> Call | None:
    found = (
        Picture.objects.filter(
            user=user,
            source_digest=digest,
            queued_at__gt=timezone.now() - SAME_FOR,
            state__in=[Picture.State.QUEUED, Picture.State.RUNNING, Picture.State.DONE],
            hidden_at__isnull=True,
            job__hidden_at__isnull=True,
            job__recipe_digest=recipe.digest,
            job__origin=Job.Origin.CALL,
            job__ephemeral=ephemeral,
        )
        .order_by("-queued_at")
        .values_list("job", "pk")
        .first()
    )
    return Call(*found, recipe.digest, charged=False) if found else None


def _upload(user: User, source: Source) -> Upload:
    """Builds the unsaved upload row of the bytes. It is submitted from the start, never open."""
    return Upload(
        id=new_id(),
        user=user,
        name=names.clean(source.name),
        announced_size=len(source.data),
        size=len(source.data),
        state=Upload.State.SUBMITTED,
        format=source.info.format,
        width=source.info.width,
        height=source.info.height,
    )


def _write(
    user: User, upload: Upload, digest: str, recipe: Recipe, token: ApiToken | None, ephemeral: bool
) -> Call:
    upload.save(force_insert=True)
    picture = growing.of_upload(upload)
    picture.source_digest = digest
    most = allowed(user)
    submit.price(user, [picture], recipe, most)
    job = submit.create_job(
        user, [picture], recipe, most, origin=Job.Origin.CALL, token=token, ephemeral=ephemeral
    )
    quota.check_reserved(user, most=most)
    quota.add_storage(user, upload.announced_size)
    after_commit(lines.PICTURES.top_up, user.pk, [Lane.INTERACTIVE])
    return Call(job.pk, picture.pk, recipe.digest, charged=True)

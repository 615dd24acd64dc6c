"""Rendition requests: another rendition of an existing matte, or of a corrected matte that a user uploads.

Neither runs a model. A worker fulfils them; the web process computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import IO, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from accounts import locks
from accounts.services import quota
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from common.ids import new_id
from jobs import clock, selectors, storage
from jobs.errors import GoneError, MatteRefusedError, TooManyError, UploadRefusedError, WrongStateError
from jobs.models import Matte, Picture, Rendition, RenditionRequest
from jobs.services import (
    backdrops,
    charging,
    discards,
    lines,
    result_limits,
    storage_reservation,
    submit,
    uploads,
)
from jobs.services.rendition_files import keys_of_attempt as keys_of_attempt
from jobs.services.rendition_files import revision_of as revision_of
from segmentation import pictures
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe

# The limit per user: queued and running requests.
OPEN_MOST: Final = 1000
AT_ONCE: Final = 500
FORMATS: Final = ("png", "webp", "tiff", "bmp")


def recipe_for(picture: Picture, base: Mapping[str, object], given: Mapping[str, object]) -> Recipe:
    """Builds a rendition's recipe: `given` overrides `base`.

    The fields that change the matte come from the job.

    Raises RecipeError, with the code `needs_another_matte` if `given` would change the matte.
    """
    job = Recipe.stored(picture.job.recipe)
    job_fields = job.as_dict()
    kept = {key: job_fields[key] for key in Recipe.matte_fields()}
    recipe = Recipe.parse({**{key: part for key, part in base.items() if key not in kept}, **kept, **given})
    if recipe.matte_digest != job.matte_digest:
        *first, last = Recipe.matte_fields()
        raise RecipeError(
            "needs_another_matte",
            f"{', '.join(first)} and {last} change the matte. Run the job again with them.",
            next(key for key in Recipe.matte_fields() if key in given),
        )
    return recipe


@again_after_deadlock
def render(picture: Picture, matte: Matte, recipe: Recipe) -> Rendition | RenditionRequest:
    """Returns the rendition of a matte by a recipe, or a request for it. A failed request is queued again.

    Raises RecipeError if the backdrop does not exist, TooManyError if too many requests are open,
    QuotaExceededError if the storage is full, GoneError if the picture was deleted in the meantime.
    """
    submit.check(recipe)
    made = Rendition.objects.filter(matte=matte, recipe_digest=recipe.digest).first()
    if made is not None:
        return made
    with transaction.atomic():
        _hold(picture)
        backdrops.of(picture.user, recipe)
        # A concurrent identical request waits for the lock on the picture and then finds this one.
        same: RenditionRequest | None = RenditionRequest.objects.filter(
            matte=matte, recipe_digest=recipe.digest
        ).first()
        if same is not None and same.state != RenditionRequest.State.FAILED:
            return same
        made = Rendition.objects.filter(matte=matte, recipe_digest=recipe.digest).first()
        if made is not None:
            return made
        _check_open(picture)
        rendition_request = _requeue(same) if same else _new(picture, matte, recipe)
        if recipe.digest != picture.job.recipe_digest:
            Picture.objects.filter(pk=picture.pk, redone_at__isnull=True).update(redone_at=clock.now())
        quota.check_reserved(picture.user)
        after_commit(lines.RENDITIONS.top_up, picture.user_id)
    return rendition_request


def _new(picture: Picture, matte: Matte, recipe: Recipe) -> RenditionRequest:
    rendition_request = RenditionRequest(
        user=picture.user,
        picture=picture,
        matte=matte,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
    )
    _charge_and_reserve(rendition_request, recipe)
    rendition_request.save(force_insert=True)
    return rendition_request


def _charge_and_reserve(rendition_request: RenditionRequest, recipe: Recipe, brought: int = 0) -> None:
    """Charges a new request and reserves storage for its result. brought: bytes of the uploaded matte."""
    picture = rendition_request.picture
    largest = result_limits.most_pixels(rendition_request.user)
    result_limits.check(picture, recipe, largest)
    rendition_request.reserved = brought + storage_reservation.of_rendition(picture, recipe, largest)
    extra = result_limits.extra_pixels(picture, recipe, largest)
    charging.charge_rendition(rendition_request, picture.job_id, extra)


def _requeue(rendition_request: RenditionRequest) -> RenditionRequest:
    """Queues a failed request again."""
    _charge_and_reserve(rendition_request, Recipe.stored(rendition_request.recipe))
    RenditionRequest.objects.filter(pk=rendition_request.pk, state=RenditionRequest.State.FAILED).update(
        state=RenditionRequest.State.QUEUED,
        error_code="",
        error_sentence="",
        attempts=0,
        not_before=None,
        charged_at=rendition_request.charged_at,
        charged_pixels=rendition_request.charged_pixels,
        reserved=rendition_request.reserved,
    )
    rendition_request.refresh_from_db()
    return rendition_request


def correct(
    picture: Picture, file: IO[bytes], size: int, *, recipe: Recipe, origin: str = Matte.Origin.API
) -> RenditionRequest:
    """Stores a corrected matte as the next revision, and requests its first rendition.

    The file is a picture of the source's size. Its alpha channel is the matte, or its grey values if it has
    none. Faults that only decoding finds are reported in the request.

    Raises WrongStateError if the picture has no matte to correct. Also raises MatteRefusedError,
    UploadRefusedError, PictureError, QuotaExceededError, TooManyError and GoneError.
    """
    if picture.state != Picture.State.DONE or selectors.newest_matte(picture) is None:
        raise WrongStateError("no_matte", "This picture has no matte yet. Wait until the picture is done.")
    if size > settings.MAX_PICTURE_BYTES:
        raise UploadRefusedError("too_many_bytes", uploads.too_many_bytes())
    info = pictures.inspect(file, uploads.limits())  # type: ignore[arg-type]  # it is binary and seekable
    if info.format not in FORMATS:
        raise MatteRefusedError(
            "unsupported_format",
            f"A matte cannot be a {info.format} file. Send one of: {', '.join(FORMATS)}.",
        )
    if (info.width, info.height) != (picture.width, picture.height):
        raise MatteRefusedError(
            "wrong_size",
            f"This matte has {info.width}×{info.height} pixels, but the picture has "
            f"{picture.width}×{picture.height}. Send a matte of the picture's size.",
        )
    quota.check_storage(picture.user, size)
    submit.check(recipe)
    storage.check_room(size)
    rendition_request = new_id()
    file.seek(0)
    storage.write(storage.incoming_key(rendition_request), file)
    try:
        with transaction.atomic():
            _hold(picture)
            backdrops.of(picture.user, recipe)
            _check_open(picture)
            after_commit(lines.RENDITIONS.top_up, picture.user_id)
            made = RenditionRequest(
                id=rendition_request,
                user=picture.user,
                picture=picture,
                revision=_next_revision(picture),
                origin=origin,
                recipe=recipe.as_dict(),
                recipe_digest=recipe.digest,
            )
            _charge_and_reserve(made, recipe, brought=size)
            made.save(force_insert=True)
            quota.check_reserved(picture.user)
            return made
    except BaseException:
        storage.delete([storage.incoming_key(rendition_request)])
        raise


def is_being_corrected(picture: Picture) -> bool:
    """Returns whether an uploaded matte of this picture is waiting to be processed."""
    open_ones = RenditionRequest.objects.filter(picture=picture, revision__isnull=False)
    found: bool = open_ones.exclude(state=RenditionRequest.State.FAILED).exists()
    return found


def sweep() -> int:
    """Deletes failed rendition requests older than UPLOAD_HOURS. Returns how many."""
    over = RenditionRequest.objects.filter(
        state=RenditionRequest.State.FAILED,
        created_at__lt=clock.now() - timedelta(hours=settings.UPLOAD_HOURS),
    )
    with transaction.atomic():
        rows = locks.fetch_held(over.order_by("pk")[:AT_ONCE], to_delete=True, skip_locked=True)
        discards.discard(key for rendition_request in rows for key in keys_of_attempt(rendition_request))
        RenditionRequest.objects.filter(pk__in=[rendition_request.pk for rendition_request in rows]).delete()
    return len(rows)


def _hold(picture: Picture) -> None:
    """Locks a picture, so that it cannot be deleted before the transaction ends. Raises GoneError."""
    if not locks.hold(Picture.objects.filter(pk=picture.pk)):
        raise GoneError


def _next_revision(picture: Picture) -> int:
    # The caller has locked the picture, so two concurrent corrections get two revisions.
    made = Matte.objects.filter(picture=picture).aggregate(most=Max("revision"))["most"] or 1
    wished = RenditionRequest.objects.filter(picture=picture).aggregate(most=Max("revision"))["most"] or 1
    return max(made, wished) + 1


def _check_open(picture: Picture) -> None:
    waiting = RenditionRequest.objects.filter(user=picture.user_id).exclude(
        state=RenditionRequest.State.FAILED
    )
    if waiting.count() >= OPEN_MOST:
        raise TooManyError(
            "too_many_waiting", f"{OPEN_MOST} of your renditions are waiting. Try again when some are done."
        )


def open_rendition_request(user: int, rendition_request: UUID) -> RenditionRequest | None:
    """Returns an open rendition request of this user, or None."""
    found: RenditionRequest | None = (
        RenditionRequest.objects.filter(user=user, pk=rendition_request).select_related("matte").first()
    )
    return found

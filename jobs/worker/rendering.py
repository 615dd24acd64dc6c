"""Renders a rendition request: read the matte, render, store. The rendition replaces the request."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from numpy.typing import NDArray

from accounts import locks
from accounts.errors import QuotaExceededError
from accounts.services import quota
from jobs import storage
from jobs.models import Matte, Picture, Rendition, RenditionRequest
from jobs.queue import circuit
from jobs.queue.claims import Claim, LeaseLostError
from jobs.queue.retries import with_retries
from jobs.services import backdrops, discards, lines, rendition_requests, result_limits
from jobs.worker import engine, processing, task
from jobs.worker.task import CannotSucceedError
from segmentation.encode import Encoded, encode
from segmentation.errors import PictureError
from segmentation.pictures import Limits, decode
from segmentation.pipeline import Segmented
from segmentation.recipe import Recipe


def fulfil(rendition_request_id: UUID) -> None:
    """Claims and completes a queued rendition request. Safe to run twice: the second claim finds nothing."""
    task.run(lines.RENDITIONS, rendition_request_id, _work)


def _work(claim: Claim[RenditionRequest]) -> None:
    circuit.check_store()
    rendition_request = claim.row
    recipe = Recipe.stored(rendition_request.recipe)
    # Any pipeline can render: use the one that is loaded.
    pipeline = engine.pipeline(settings.MODEL)
    try:
        segmented = _segmented(rendition_request, pipeline.limits)
    except FileNotFoundError as error:
        raise CannotSucceedError(
            "file_gone", "A file of this picture is gone. Submit the picture again."
        ) from error
    rendered = pipeline.render(
        segmented,
        recipe,
        processing.PREVIEW_SIDE,
        backdrops.pixels(rendition_request.user_id, recipe),
        most_pixels=result_limits.most_pixels(rendition_request.user),
    )
    matte = rendition_request.matte or _matte(rendition_request, segmented.matte)
    rendition = _rendition(rendition_request, matte, recipe, rendered.file)
    if rendition_request.matte is None:
        file = encode(None, segmented.matte, "png").data
        matte.size = len(file)
        storage.write(matte.key, file)
    storage.write(rendition.key, rendered.file.data)
    storage.write(rendition.preview_key, rendered.preview.data)
    try:
        with_retries(partial(_conclude, claim, matte, rendition))
    except QuotaExceededError as error:
        # It is larger than its reservation, and the storage has no room for the rest.
        written = rendition_requests.keys_of_attempt(rendition_request)
        raise CannotSucceedError(error.code, error.sentence, written) from error


def _segmented(rendition_request: RenditionRequest, limits: Limits) -> Segmented:
    grey = _grey(rendition_request, limits)
    with storage.reading(rendition_request.picture.source_key) as source:
        picture = decode(source, limits)
    if grey.shape != picture.rgb.shape[:2]:
        raise PictureError(
            "wrong_size", "This matte does not have the picture's size. Send a matte of that size."
        )
    return Segmented(picture, grey, rendition_request.picture.confidence or 0.0, ())


def _grey(rendition_request: RenditionRequest, limits: Limits) -> NDArray[np.uint8]:
    """The matte, H×W uint8. Of an uploaded file: its alpha if it has one, else its grey."""
    key = (
        storage.incoming_key(rendition_request.pk)
        if rendition_request.matte is None
        else rendition_request.matte.key
    )
    with storage.reading(key) as file:
        decoded = decode(file, limits)
    grey = decoded.alpha if decoded.alpha is not None else decoded.rgb[..., 0]
    return np.ascontiguousarray(grey)


def _matte(rendition_request: RenditionRequest, grey: NDArray[np.uint8]) -> Matte:
    revision = rendition_requests.revision_of(rendition_request)
    return Matte(
        picture=rendition_request.picture,
        revision=revision,
        origin=rendition_request.origin,
        matte_digest=Recipe.stored(rendition_request.recipe).matte_digest,
        key=storage.matte_key(rendition_request.picture_id, revision),
        width=grey.shape[1],
        height=grey.shape[0],
    )


def _rendition(rendition_request: RenditionRequest, matte: Matte, recipe: Recipe, file: Encoded) -> Rendition:
    return Rendition(
        id=rendition_request.pk,
        picture=rendition_request.picture,
        matte=matte,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
        key=storage.rendition_key(
            rendition_request.picture_id, matte.revision, recipe.digest, file.extension
        ),
        preview_key=storage.preview_key(rendition_request.picture_id, matte.revision, recipe.digest),
        media_type=file.media_type,
        extension=file.extension,
        size=len(file.data),
        width=file.width,
        height=file.height,
    )


def _conclude(claim: Claim[RenditionRequest], matte: Matte, rendition: Rendition) -> None:
    """Replaces the request by its rendition in one transaction. Writes nothing if the lease is lost."""
    rendition_request = claim.row
    new_matte = rendition_request.matte is None
    try:
        with transaction.atomic():
            # The picture before its requests: the order of locks.
            locks.hold(Picture.objects.filter(pk=rendition_request.picture_id))
            lines.RENDITIONS.delete(claim)
            if new_matte:
                matte.save(force_insert=True)
                discards.discard([storage.incoming_key(rendition_request.pk)])
            rendition.save(force_insert=True)
            size = rendition.size + (matte.size if new_matte else 0)
            quota.settle_storage(rendition_request.user, size, rendition_request.reserved)
    except (LeaseLostError, IntegrityError):
        if Rendition.objects.filter(pk=rendition.pk).exists():
            # Our own commit succeeded, and its answer was lost.
            return
        if not RenditionRequest.objects.filter(pk=rendition_request.pk).exists():
            _drop(rendition_request, matte, rendition)
        raise LeaseLostError(str(rendition_request.pk)) from None


def _drop(rendition_request: RenditionRequest, matte: Matte, rendition: Rendition) -> None:
    """The picture was deleted: discard the files that were written for it."""
    named = Rendition.objects.filter(key=rendition.key).exists()
    if not named:
        discards.discard(
            [rendition.key, rendition.preview_key, *([matte.key] if rendition_request.matte is None else [])]
        )

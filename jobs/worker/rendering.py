"""Renders a rendition request: read the matte, render, store. The rendition replaces the request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import numpy as np
from django.conf import settings
from django.db import Error, IntegrityError, transaction
from django.db.models import F
from numpy.typing import NDArray

from accounts import locks
from accounts.errors import QuotaExceededError
from accounts.services import quota
from common.after_commit import after_commit
from jobs import clock, events, storage
from jobs.models import Matte, Picture, Rendition, RenditionRequest
from jobs.queue import circuit, rendition_dispatch
from jobs.queue.claims import LeaseLostError
from jobs.queue.patience import is_away, with_retries
from jobs.services import backdrops, charging, removal, rendition_requests, result_limits
from jobs.storage import StoreUnavailableError
from jobs.worker import engine, processing
from segmentation.encode import Encoded, encode
from segmentation.errors import PictureError, SegmentationError
from segmentation.pictures import decode
from segmentation.pipeline import Segmented
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

_FREE: Final = {"lease_token": None, "lease_until": None, "dispatched_at": None}


def fulfil(rendition_request_id: UUID) -> None:
    """Claims a queued rendition request and completes it. Safe to run twice: the second claim finds nothing.

    One that was tried before runs with nobody beside it in this process.
    """
    tried = with_retries(RenditionRequest.objects.filter(pk=rendition_request_id, attempts__gt=0).exists)
    with processing.exclusive_lock.alone() if tried else processing.exclusive_lock.shared():
        token = uuid4()
        if not with_retries(partial(rendition_dispatch.claim, rendition_request_id, token)):
            return
        rendition_request = (
            RenditionRequest.objects.select_related("picture__job", "matte", "user")
            .filter(lease_token=token)
            .first()
        )
        if rendition_request is None:
            return
        try:
            with processing.keeper.holding(token) if processing.keeper else nullcontext():
                _to_its_end(rendition_request)
        finally:
            _top_up(rendition_request.user_id)


def _to_its_end(rendition_request: RenditionRequest) -> None:
    try:
        _work(rendition_request)
    except (SegmentationError, FileNotFoundError) as error:
        if processing.is_engine_fault(error):
            logger.exception("rendition_request %s met an engine that fails", rendition_request.pk)
            _unless_lost(partial(_give_back, rendition_request))
            return
        code = getattr(error, "code", "file_gone")
        sentence = getattr(error, "sentence", "A file of this picture is gone. Submit the picture again.")
        _unless_lost(partial(_fail, rendition_request, code, sentence))
    except QuotaExceededError as error:
        # It is larger than what was reserved for it, and there is no room for that.
        _unless_lost(
            partial(
                _fail,
                rendition_request,
                error.code,
                error.sentence,
                rendition_requests.keys_of_attempt(rendition_request),
            )
        )
    except LeaseLostError:
        logger.warning(
            "rendition_request %s was taken away while it ran; its result is dropped", rendition_request.pk
        )
    except StoreUnavailableError as error:
        logger.warning("rendition_request %s waits for the store: %s", rendition_request.pk, error)
        circuit.trip()
        _unless_lost(partial(_postpone, rendition_request))
    except Exception as error:
        if is_away(error):
            logger.warning("rendition_request %s waits for the database: %s", rendition_request.pk, error)
            _unless_lost(partial(_postpone, rendition_request))
            return
        logger.exception(
            "rendition_request %s failed at attempt %d", rendition_request.pk, rendition_request.attempts
        )
        _unless_lost(partial(_give_back, rendition_request))
    except BaseException:
        # A time limit or a shutdown, raised into the thread: hand it back, then obey.
        _unless_lost(partial(_give_back, rendition_request))
        raise


def _work(rendition_request: RenditionRequest) -> None:
    circuit.check_store()
    recipe = Recipe.parse(rendition_request.recipe)
    # Any pipeline renders: the one that is loaded.
    pipeline = engine.pipeline(settings.MODEL)
    grey = _grey(rendition_request, pipeline.limits)
    with storage.reading(rendition_request.picture.source_key) as source:
        picture = decode(source, pipeline.limits)
    if grey.shape != picture.rgb.shape[:2]:
        raise PictureError("wrong_size", "This matte is not of the picture's size.")
    segmented = Segmented(picture, grey, rendition_request.picture.confidence or 0.0, ())
    rendered = pipeline.render(
        segmented,
        recipe,
        processing.PREVIEW_SIDE,
        backdrops.pixels(rendition_request.user_id, recipe),
        most_pixels=result_limits.most_pixels(rendition_request.user),
    )
    matte = rendition_request.matte or _matte(rendition_request, grey)
    rendition = _rendition(rendition_request, matte, recipe, rendered.file)
    if rendition_request.matte is None:
        file = encode(None, grey, "png").data
        matte.size = len(file)
        storage.write(matte.key, file)
    storage.write(rendition.key, rendered.file.data)
    storage.write(rendition.preview_key, rendered.preview.data)
    with_retries(partial(_conclude, rendition_request, matte, rendition))


def _grey(rendition_request: RenditionRequest, limits: object) -> NDArray[np.uint8]:
    """The matte, H×W uint8: of a file that a person sent, its alpha where it has one, else its grey."""
    key = (
        storage.incoming_key(rendition_request.pk)
        if rendition_request.matte is None
        else rendition_request.matte.key
    )
    with storage.reading(key) as file:
        decoded = decode(file, limits)  # type: ignore[arg-type]  # the pipeline's
    grey = decoded.alpha if decoded.alpha is not None else decoded.rgb[..., 0]
    return np.ascontiguousarray(grey)


def _matte(rendition_request: RenditionRequest, grey: NDArray[np.uint8]) -> Matte:
    revision = rendition_requests.revision_of(rendition_request)
    return Matte(
        picture=rendition_request.picture,
        revision=revision,
        origin=rendition_request.origin,
        matte_digest=Recipe.parse(rendition_request.recipe).matte_digest,
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


def _conclude(rendition_request: RenditionRequest, matte: Matte, rendition: Rendition) -> None:
    """Replaces the request by its rendition in one transaction. Writes nothing if the lease is lost."""
    new_matte = rendition_request.matte is None
    try:
        with transaction.atomic():
            # The picture before what belongs to it, as its deletion takes them.
            locks.hold(Picture.objects.filter(pk=rendition_request.picture_id))
            if not _held(rendition_request).delete()[0]:
                raise LeaseLostError(str(rendition_request.pk))
            if new_matte:
                matte.save(force_insert=True)
                removal.discard([storage.incoming_key(rendition_request.pk)])
            rendition.save(force_insert=True)
            size = rendition.size + (matte.size if new_matte else 0)
            quota.settle_storage(rendition_request.user, size, rendition_request.reserved)
            _tell(rendition_request, "done")
    except (LeaseLostError, IntegrityError):
        if Rendition.objects.filter(pk=rendition.pk).exists():
            # Our own commit, whose answer was lost.
            return
        if not RenditionRequest.objects.filter(pk=rendition_request.pk).exists():
            _drop(rendition_request, matte, rendition)
        raise LeaseLostError(str(rendition_request.pk)) from None


def _drop(rendition_request: RenditionRequest, matte: Matte, rendition: Rendition) -> None:
    """The picture was deleted: what was written for it goes, too."""
    named = Rendition.objects.filter(key=rendition.key).exists()
    if not named:
        removal.discard(
            [rendition.key, rendition.preview_key, *([matte.key] if rendition_request.matte is None else [])]
        )


def _fail(rendition_request: RenditionRequest, code: str, sentence: str, written: Iterable[str] = ()) -> None:
    with transaction.atomic():
        _change(
            rendition_request,
            state=RenditionRequest.State.FAILED,
            error_code=code,
            error_sentence=sentence[:500],
            **_FREE,
        )
        if rendition_request.matte is None:
            # What a person sent is counted as nobody's until it is a matte, which it never will be.
            removal.discard([storage.incoming_key(rendition_request.pk)])
        removal.discard(written)
        charging.take_back(RenditionRequest.objects.filter(pk=rendition_request.pk), code)
        _tell(rendition_request, RenditionRequest.State.FAILED)


def _postpone(rendition_request: RenditionRequest) -> None:
    _change(
        rendition_request,
        state=RenditionRequest.State.QUEUED,
        attempts=F("attempts") - 1,
        not_before=clock.now() + timedelta(seconds=settings.STORE_PAUSE_SECONDS),
        **_FREE,
    )


def _give_back(rendition_request: RenditionRequest) -> None:
    if rendition_request.attempts >= settings.MAX_ATTEMPTS:
        _fail(rendition_request, processing.INTERNAL, processing.INTERNAL_SENTENCE)
        return
    pause = clock.now() + timedelta(seconds=2**rendition_request.attempts)
    _change(rendition_request, state=RenditionRequest.State.QUEUED, not_before=pause, **_FREE)


def _tell(rendition_request: RenditionRequest, state: str) -> None:
    """Hint, once this transaction stands, that nobody need wait for it any more."""
    after_commit(
        events.tell, rendition_request.picture.job_id, "rendition", id=str(rendition_request.pk), state=state
    )


def _change(rendition_request: RenditionRequest, **facts: object) -> None:
    if not _held(rendition_request).update(**facts):
        raise LeaseLostError(str(rendition_request.pk))


def _held(rendition_request: RenditionRequest):  # type: ignore[no-untyped-def]  # a QuerySet whose class as_manager() hides
    return RenditionRequest.objects.filter(
        pk=rendition_request.pk,
        state=RenditionRequest.State.RUNNING,
        lease_token=rendition_request.lease_token,
    )


def _unless_lost(act: Callable[[], None]) -> None:
    try:
        with_retries(act)
    except LeaseLostError:
        logger.warning("a rendition request was taken away while it failed")


def _top_up(user: int) -> None:
    try:
        rendition_dispatch.top_up(user)
    except Error as error:
        logger.warning("could not top up: %s", error)

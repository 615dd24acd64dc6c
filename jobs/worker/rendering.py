"""Fulfilling a wish in a worker: read the matte, render, store; the rendition takes the wish's place."""

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
from jobs import clock, events, storage
from jobs.models import Matte, Picture, Rendition, Wish
from jobs.queue import circuit, rendition_dispatch
from jobs.queue.claims import LeaseLostError
from jobs.queue.patience import is_away, patiently
from jobs.services import backdrops, charging, removal, rendition_requests, result_limits
from jobs.services.after_commit import after_commit
from jobs.storage import StoreAwayError
from jobs.worker import engine, processing
from segmentation.encode import Encoded, encode
from segmentation.errors import PictureError, SegmentationError
from segmentation.pictures import decode
from segmentation.pipeline import Segmented
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

_FREE: Final = {"lease_token": None, "lease_until": None, "dispatched_at": None}


def fulfil(wish_id: UUID) -> None:
    """Claim a queued wish and bring it to its end. Safe to run twice: the second claim finds nothing.

    One that was tried before runs with nobody beside it in this process.
    """
    tried = patiently(Wish.objects.filter(pk=wish_id, attempts__gt=0).exists)
    with processing.company.alone() if tried else processing.company.shared():
        token = uuid4()
        if not patiently(partial(rendition_dispatch.claim, wish_id, token)):
            return
        wish = Wish.objects.select_related("picture__job", "matte", "user").filter(lease_token=token).first()
        if wish is None:
            return
        try:
            with processing.keeper.holding(token) if processing.keeper else nullcontext():
                _to_its_end(wish)
        finally:
            _top_up(wish.user_id)


def _to_its_end(wish: Wish) -> None:
    try:
        _work(wish)
    except (SegmentationError, FileNotFoundError) as error:
        if processing.is_engine_fault(error):
            logger.exception("wish %s met an engine that fails", wish.pk)
            _unless_lost(partial(_give_back, wish))
            return
        code = getattr(error, "code", "file_gone")
        sentence = getattr(error, "sentence", "A file of this picture is gone. Submit the picture again.")
        _unless_lost(partial(_fail, wish, code, sentence))
    except QuotaExceededError as error:
        # It is larger than what was reserved for it, and there is no room for that.
        _unless_lost(
            partial(_fail, wish, error.code, error.sentence, rendition_requests.keys_of_attempt(wish))
        )
    except LeaseLostError:
        logger.warning("wish %s was taken away while it ran; its result is dropped", wish.pk)
    except StoreAwayError as error:
        logger.warning("wish %s waits for the store: %s", wish.pk, error)
        circuit.trip()
        _unless_lost(partial(_postpone, wish))
    except Exception as error:
        if is_away(error):
            logger.warning("wish %s waits for the database: %s", wish.pk, error)
            _unless_lost(partial(_postpone, wish))
            return
        logger.exception("wish %s failed at attempt %d", wish.pk, wish.attempts)
        _unless_lost(partial(_give_back, wish))
    except BaseException:
        # A time limit or a shutdown, raised into the thread: hand it back, then obey.
        _unless_lost(partial(_give_back, wish))
        raise


def _work(wish: Wish) -> None:
    circuit.check_store()
    recipe = Recipe.parse(wish.recipe)
    # Any pipeline renders: the one that is loaded.
    pipeline = engine.pipeline(settings.MODEL)
    grey = _grey(wish, pipeline.limits)
    with storage.reading(wish.picture.source_key) as source:
        picture = decode(source, pipeline.limits)
    if grey.shape != picture.rgb.shape[:2]:
        raise PictureError("wrong_size", "This matte is not of the picture's size.")
    segmented = Segmented(picture, grey, wish.picture.confidence or 0.0, ())
    rendered = pipeline.render(
        segmented,
        recipe,
        processing.PREVIEW_SIDE,
        backdrops.pixels(wish.user_id, recipe),
        most_pixels=result_limits.most_pixels(wish.user),
    )
    matte = wish.matte or _matte(wish, grey)
    rendition = _rendition(wish, matte, recipe, rendered.file)
    if wish.matte is None:
        file = encode(None, grey, "png").data
        matte.size = len(file)
        storage.write(matte.key, file)
    storage.write(rendition.key, rendered.file.data)
    storage.write(rendition.preview_key, rendered.preview.data)
    patiently(partial(_conclude, wish, matte, rendition))


def _grey(wish: Wish, limits: object) -> NDArray[np.uint8]:
    """The matte, H×W uint8: of a file that a person sent, its alpha where it has one, else its grey."""
    key = storage.incoming_key(wish.pk) if wish.matte is None else wish.matte.key
    with storage.reading(key) as file:
        decoded = decode(file, limits)  # type: ignore[arg-type]  # the pipeline's
    grey = decoded.alpha if decoded.alpha is not None else decoded.rgb[..., 0]
    return np.ascontiguousarray(grey)


def _matte(wish: Wish, grey: NDArray[np.uint8]) -> Matte:
    revision = rendition_requests.revision_of(wish)
    return Matte(
        picture=wish.picture,
        revision=revision,
        origin=wish.origin,
        matte_digest=Recipe.parse(wish.recipe).matte_digest,
        key=storage.matte_key(wish.picture_id, revision),
        width=grey.shape[1],
        height=grey.shape[0],
    )


def _rendition(wish: Wish, matte: Matte, recipe: Recipe, file: Encoded) -> Rendition:
    return Rendition(
        id=wish.pk,
        picture=wish.picture,
        matte=matte,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
        key=storage.rendition_key(wish.picture_id, matte.revision, recipe.digest, file.extension),
        preview_key=storage.preview_key(wish.picture_id, matte.revision, recipe.digest),
        media_type=file.media_type,
        extension=file.extension,
        size=len(file.data),
        width=file.width,
        height=file.height,
    )


def _conclude(wish: Wish, matte: Matte, rendition: Rendition) -> None:
    """The rendition in the wish's place, in one transaction; a claim that no longer counts writes nothing."""
    new_matte = wish.matte is None
    try:
        with transaction.atomic():
            # The picture before what belongs to it, as its deletion takes them.
            locks.hold(Picture.objects.filter(pk=wish.picture_id))
            if not _held(wish).delete()[0]:
                raise LeaseLostError(str(wish.pk))
            if new_matte:
                matte.save(force_insert=True)
                removal.discard([storage.incoming_key(wish.pk)])
            rendition.save(force_insert=True)
            size = rendition.size + (matte.size if new_matte else 0)
            quota.settle_storage(wish.user, size, wish.reserved)
            _tell(wish, "done")
    except (LeaseLostError, IntegrityError):
        if Rendition.objects.filter(pk=rendition.pk).exists():
            # Our own commit, whose answer was lost.
            return
        if not Wish.objects.filter(pk=wish.pk).exists():
            _drop(wish, matte, rendition)
        raise LeaseLostError(str(wish.pk)) from None


def _drop(wish: Wish, matte: Matte, rendition: Rendition) -> None:
    """The picture was deleted: what was written for it goes, too."""
    named = Rendition.objects.filter(key=rendition.key).exists()
    if not named:
        removal.discard([rendition.key, rendition.preview_key, *([matte.key] if wish.matte is None else [])])


def _fail(wish: Wish, code: str, sentence: str, written: Iterable[str] = ()) -> None:
    with transaction.atomic():
        _change(wish, state=Wish.State.FAILED, error_code=code, error_sentence=sentence[:500], **_FREE)
        if wish.matte is None:
            # What a person sent is counted as nobody's until it is a matte, which it never will be.
            removal.discard([storage.incoming_key(wish.pk)])
        removal.discard(written)
        charging.take_back(Wish.objects.filter(pk=wish.pk), code)
        _tell(wish, Wish.State.FAILED)


def _postpone(wish: Wish) -> None:
    _change(
        wish,
        state=Wish.State.QUEUED,
        attempts=F("attempts") - 1,
        not_before=clock.now() + timedelta(seconds=settings.STORE_PAUSE_SECONDS),
        **_FREE,
    )


def _give_back(wish: Wish) -> None:
    if wish.attempts >= settings.MAX_ATTEMPTS:
        _fail(wish, processing.INTERNAL, processing.INTERNAL_SENTENCE)
        return
    pause = clock.now() + timedelta(seconds=2**wish.attempts)
    _change(wish, state=Wish.State.QUEUED, not_before=pause, **_FREE)


def _tell(wish: Wish, state: str) -> None:
    """Hint, once this transaction stands, that nobody need wait for it any more."""
    after_commit(events.tell, wish.picture.job_id, "rendition", id=str(wish.pk), state=state)


def _change(wish: Wish, **facts: object) -> None:
    if not _held(wish).update(**facts):
        raise LeaseLostError(str(wish.pk))


def _held(wish: Wish):  # type: ignore[no-untyped-def]  # a QuerySet whose class as_manager() hides
    return Wish.objects.filter(pk=wish.pk, state=Wish.State.RUNNING, lease_token=wish.lease_token)


def _unless_lost(act: Callable[[], None]) -> None:
    try:
        patiently(act)
    except LeaseLostError:
        logger.warning("a wish was taken away while it failed")


def _top_up(user: int) -> None:
    try:
        rendition_dispatch.top_up(user)
    except Error as error:
        logger.warning("could not top up: %s", error)

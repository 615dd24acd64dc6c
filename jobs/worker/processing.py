"""Segment and render: from a claimed picture to a matte and a rendition, or to a reason why not."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from uuid import UUID, uuid4

from django.db import Error, IntegrityError, transaction

from accounts import locks
from jobs import storage
from jobs.models import Job, Matte, Picture, Rendition
from jobs.queue import circuit, claims, dispatch
from jobs.queue.claims import Claim, LeaseLostError
from jobs.queue.leases import LeaseKeeper
from jobs.queue.patience import is_away, with_retries
from jobs.services import backdrops, removal, result_limits, storage_usage
from jobs.storage import StoreUnavailableError
from jobs.worker import engine, matting
from jobs.worker.exclusive import ExclusiveLock
from jobs.worker.matting import Matted
from segmentation.compose import subject_position
from segmentation.encode import Encoded, encode
from segmentation.errors import EngineError, PictureError, SegmentationError, WeightsError
from segmentation.pipeline import Segmented, first_frame_note
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

PREVIEW_SIDE = 640
INTERNAL = "internal_error"
INTERNAL_SENTENCE = (
    "Something went wrong on our side. Try this picture again; if it fails again, tell the staff."
)

# Set by the worker at its boot; a test that calls process() directly needs no renewing.
keeper: LeaseKeeper | None = None
exclusive_lock = ExclusiveLock()


def process(picture_id: UUID) -> None:
    """Claim a queued picture and bring it to its end. Safe to run twice: the second claim finds nothing.

    A picture that was tried before runs with nobody beside it in this process.
    """
    alone = with_retries(partial(claims.was_tried, picture_id))
    with exclusive_lock.alone() if alone else exclusive_lock.shared():
        # The token is ours beforehand: after a broken connection we know our own claim again.
        claim = with_retries(partial(claims.claim, picture_id, token=uuid4(), alone=alone))
        if claim is None:
            return
        try:
            with keeper.holding(claim.token) if keeper else nullcontext():
                _to_its_end(claim)
        finally:
            # Its place in the window is free; where this fails, the scheduler's next tick does it.
            _top_up(claim)


def _to_its_end(claim: Claim) -> None:
    picture_id = claim.picture.pk
    try:
        _work(claim)
    except SegmentationError as error:
        if is_engine_fault(error):
            logger.exception("picture %s met an engine that fails: %s", picture_id, error.code)
            _unless_lost(claim, partial(claims.give_back, claim, INTERNAL, INTERNAL_SENTENCE))
            return
        _unless_lost(claim, partial(claims.fail, claim, error.code, error.sentence))
    except LeaseLostError:
        logger.warning("picture %s was taken away while it ran; its result is dropped", picture_id)
    except StoreUnavailableError as error:
        logger.warning("picture %s waits for the store: %s", picture_id, error)
        circuit.trip()
        _unless_lost(claim, partial(claims.postpone, claim))
    except Exception as error:
        if is_away(error):
            logger.warning("picture %s waits for the database: %s", picture_id, error)
            _unless_lost(claim, partial(claims.postpone, claim))
            return
        logger.exception("picture %s failed at attempt %d", picture_id, claim.picture.attempts)
        _unless_lost(claim, partial(claims.give_back, claim, INTERNAL, INTERNAL_SENTENCE))
    except BaseException:
        # A time limit or a shutdown, raised into the thread: hand the picture back, then obey.
        _unless_lost(claim, partial(claims.give_back, claim, INTERNAL, INTERNAL_SENTENCE))
        raise


def is_engine_fault(error: Exception) -> bool:
    """Whether the engine or its weights failed, not the picture: then it is worth another try.

    A model that is unknown here stays unknown.
    """
    return isinstance(error, EngineError | WeightsError) and error.code != "unknown_model"


def _top_up(claim: Claim) -> None:
    try:
        dispatch.top_up(claim.picture.user_id)
    except Error as error:
        logger.warning("could not top up: %s", error)


def _work(claim: Claim) -> None:
    circuit.check_store()
    picture = claim.picture
    recipe = Recipe.parse(picture.job.recipe)
    pipeline = engine.pipeline(recipe.model)
    matted = matting.matte(picture, recipe, pipeline)
    segmented = matted.segmented
    _check_seen(segmented, recipe)
    backdrop = backdrops.pixels(picture.user_id, recipe)
    # Who waits for one answer gets it first: nothing is made to be looked at until somebody looks.
    called = picture.job.origin == Job.Origin.CALL
    largest = result_limits.most_pixels(picture.user)
    if called:
        file, preview = pipeline.file(segmented, recipe, backdrop, in_place=True, most_pixels=largest), None
    else:
        rendered = pipeline.render(
            segmented, recipe, preview_side=PREVIEW_SIDE, backdrop=backdrop, most_pixels=largest
        )
        file, preview = rendered.file, rendered.preview
    revision = 1
    matte_file = encode(None, segmented.matte, "png").data
    matte = Matte(
        picture=picture,
        revision=revision,
        matte_digest=recipe.matte_digest,
        key=storage.matte_key(picture.pk, revision),
        size=len(matte_file),
        width=segmented.matte.shape[1],
        height=segmented.matte.shape[0],
        confidence=segmented.confidence,
    )
    rendition = _rendition(matte, recipe, file)
    if called:
        rendition.foreground, rendition.full_size = subject_position(segmented.matte, recipe)
    thumb_key = ""
    storage.write(matte.key, matte_file)
    storage.write(rendition.key, file.data)
    if preview is None:
        rendition.preview_key = ""
    else:
        thumb_key = storage.thumb_key(picture.pk)
        storage.write(thumb_key, pipeline.thumbnail(segmented.picture, PREVIEW_SIDE).data)
        storage.write(rendition.preview_key, preview.data)
    with_retries(partial(_conclude, claim, matted, matte, rendition, thumb_key))


def _check_seen(segmented: Segmented, recipe: Recipe) -> None:
    if recipe.roi is not None and not segmented.matte.any():
        raise PictureError(
            "unknown_foreground",
            "Nothing stands out in the region of this picture that counts. Choose a larger one."
            + first_frame_note(segmented.picture.info),
        )


def _rendition(matte: Matte, recipe: Recipe, file: Encoded) -> Rendition:
    picture, revision = matte.picture_id, matte.revision
    return Rendition(
        picture_id=picture,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
        key=storage.rendition_key(picture, revision, recipe.digest, file.extension),
        preview_key=storage.preview_key(picture, revision, recipe.digest),
        media_type=file.media_type,
        extension=file.extension,
        size=len(file.data),
        width=file.width,
        height=file.height,
    )


def _conclude(claim: Claim, matted: Matted, matte: Matte, rendition: Rendition, thumb_key: str) -> None:
    """Rows and final state in one transaction: a claim that no longer counts writes no row.

    Its files stay where the picture lives on, cancelled or not: whoever tries it again writes the same keys,
    perhaps at this moment, and the deletion of the picture knows them. Where it is gone, they go.
    """
    segmented = matted.segmented
    try:
        with transaction.atomic():
            # A picture that is tried again gets its first matte anew, from the same bytes and recipe.
            earlier = Matte.objects.filter(picture=matte.picture, revision=matte.revision)
            freed = Counter[int]()
            if earlier.exists():
                locks.hold(Job.objects.filter(pk=claim.picture.job_id))
                locks.hold(Picture.objects.filter(pk=claim.picture.pk))
                freed = storage_usage.of_mattes(earlier)
                earlier.delete()
            matte.save(force_insert=True)
            rendition.matte = matte
            rendition.save(force_insert=True)
            claims.end(
                claim,
                Picture.State.DONE,
                thumb_key=thumb_key,
                source_digest=matted.digest,
                reused=matted.reused,
                width=segmented.picture.info.width,
                height=segmented.picture.info.height,
                confidence=segmented.confidence,
                warnings=list(segmented.warnings),
            )
            storage_usage.free(freed)
            storage_usage.grow(matte.picture.user_id, matte, rendition)
    except (LeaseLostError, IntegrityError):
        if Picture.objects.filter(pk=claim.picture.pk).exists():
            raise
        removal.discard([thumb_key, matte.key, rendition.key, rendition.preview_key])
        raise LeaseLostError(str(claim.picture.pk)) from None


def _unless_lost(claim: Claim, act: Callable[[], None]) -> None:
    try:
        with_retries(act)
    except LeaseLostError:
        logger.warning("picture %s was taken away while it failed", claim.picture.pk)

"""Segments and renders a picture: from the claim to a matte and a rendition in one transaction."""

from __future__ import annotations

from collections import Counter
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import locks
from jobs import storage
from jobs.models import Job, Matte, Picture, Rendition
from jobs.queue import circuit
from jobs.queue.claims import Claim, LeaseLostError
from jobs.queue.retries import with_retries
from jobs.services import backdrops, discards, lines, result_limits, storage_usage
from jobs.worker import engine, inspection, matting, task
from jobs.worker.inspection import Findings
from jobs.worker.matting import Matted
from segmentation.compose import subject_position
from segmentation.encode import Encoded, encode
from segmentation.errors import PictureError
from segmentation.pipeline import Segmented, first_frame_note
from segmentation.recipe import Recipe

PREVIEW_SIDE = 640


def process(picture_id: UUID) -> None:
    """Claim a queued picture, segment and render it. Safe to run twice: the second claim finds nothing."""
    task.run(lines.PICTURES, picture_id, _work)


def _work(claim: Claim[Picture]) -> None:
    circuit.check_store()
    picture = claim.row
    recipe = Recipe.stored(picture.job.recipe)
    pipeline = engine.pipeline(recipe.model)
    matted = matting.matte(picture, recipe, pipeline)
    segmented = matted.segmented
    _check_seen(segmented, recipe)
    # Before the rendering, which may overwrite the pixels. Nothing of an ephemeral job is kept for a review.
    findings = None if picture.job.ephemeral else inspection.inspect(segmented.picture)
    backdrop = backdrops.pixels(picture.user_id, recipe)
    # API calls skip the preview; it is rendered on first view.
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
    if findings is not None:
        # Before the end of the claim: a worker that dies in between flags it at the next attempt.
        with_retries(partial(inspection.flag_findings, picture, matted.digest, findings))
    with_retries(partial(_conclude, claim, matted, matte, rendition, thumb_key, findings))


def _check_seen(segmented: Segmented, recipe: Recipe) -> None:
    if recipe.roi is not None and not segmented.matte.any():
        raise PictureError(
            "unknown_foreground",
            "Nothing stands out in the chosen region of this picture. Choose a larger region."
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


def _conclude(
    claim: Claim[Picture],
    matted: Matted,
    matte: Matte,
    rendition: Rendition,
    thumb_key: str,
    findings: Findings | None,
) -> None:
    """Write the rows and the final state in one transaction. Writes no row if the lease is lost.

    Then the files stay while the picture exists, cancelled or not: the next attempt writes the same keys,
    perhaps at this moment, and deleting the picture deletes them. If the picture is gone, they are discarded.
    """
    segmented = matted.segmented
    try:
        with transaction.atomic():
            # A picture that is retried replaces its first matte: same bytes, same recipe.
            earlier = Matte.objects.filter(picture=matte.picture, revision=matte.revision)
            freed = Counter[int]()
            if earlier.exists():
                locks.hold(Job.objects.filter(pk=claim.row.job_id))
                locks.hold(Picture.objects.filter(pk=claim.row.pk))
                freed = storage_usage.of_mattes(earlier)
                earlier.delete()
            matte.save(force_insert=True)
            rendition.matte = matte
            rendition.save(force_insert=True)
            lines.PICTURES.end(
                claim,
                Picture.State.DONE,
                thumb_key=thumb_key,
                source_digest=matted.digest,
                reused=matted.reused,
                width=segmented.picture.info.width,
                height=segmented.picture.info.height,
                confidence=segmented.confidence,
                warnings=list(segmented.warnings),
                phash=findings.phash if findings else None,
            )
            storage_usage.free(freed)
            storage_usage.grow(matte.picture.user_id, matte, rendition)
    except (LeaseLostError, IntegrityError):
        if Picture.objects.filter(pk=claim.row.pk).exists():
            raise
        discards.discard([thumb_key, matte.key, rendition.key, rendition.preview_key])
        raise LeaseLostError(str(claim.row.pk)) from None

"""The matte of a picture: predicted by the model, or reused from an earlier run on the same bytes."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import BinaryIO

from jobs import selectors, storage
from jobs.models import Matte, Picture
from jobs.selectors.refused_pictures import is_refused
from jobs.services import refused_pictures
from segmentation.errors import PictureError
from segmentation.pictures import decode
from segmentation.pipeline import Pipeline, Segmented
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Matted:
    """A picture with its matte. digest: SHA-256 of the source. reused: the model did not run."""

    segmented: Segmented
    digest: str
    reused: bool


def matte(picture: Picture, recipe: Recipe, pipeline: Pipeline) -> Matted:
    """Read a picture's source and get its matte. Raises what Pipeline.segment raises, and PictureError for a
    picture that staff have refused since it was uploaded.
    """
    with storage.reading(picture.source_key) as source:
        digest = picture.source_digest or _digest(source)
        if is_refused(digest):
            raise PictureError(refused_pictures.CODE, refused_pictures.SENTENCE)
        known = selectors.known_matte(picture.user_id, digest, recipe.matte_digest)
        segmented = _earlier(source, known, pipeline) if known else None
        if segmented is not None:
            return Matted(segmented, digest, reused=True)
        source.seek(0)
        return Matted(pipeline.segment(source, recipe), digest, reused=False)


def _digest(source: BinaryIO) -> str:
    digest = hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]  # it is binary
    source.seek(0)
    return digest


def _earlier(source: BinaryIO, known: Matte, pipeline: Pipeline) -> Segmented | None:
    """Returns the picture with the matte of an earlier run, or None if that was deleted a moment ago."""
    try:
        with storage.reading(known.key) as file:
            grey = decode(file, pipeline.limits).rgb[..., 0]
    except (FileNotFoundError, PictureError) as error:
        logger.info("matte %s cannot be reused: %s", known.pk, error)
        return None
    picture = decode(source, pipeline.limits)
    return Segmented(picture, grey, known.confidence or 0.0, tuple(known.picture.warnings))

"""From the bytes of a picture to the files of its result: one Pipeline a process, shared by its threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.compose import compose
from segmentation.confidence import assess
from segmentation.encode import Encoded, encode
from segmentation.errors import PictureError
from segmentation.pictures import DecodedPicture, Limits, PictureSource, decode
from segmentation.predictor import Predictor
from segmentation.recipe import Recipe
from segmentation.refine import refine

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Segmented:
    """A decoded picture and its matte.

    matte: H×W uint8, of the upright picture's size. confidence: 0..1. warnings: sentences for a person.
    """

    picture: DecodedPicture
    matte: Bytes
    confidence: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rendered:
    """The file that a recipe asks for, and a small WebP that shows it."""

    file: Encoded
    preview: Encoded


class Pipeline:
    """Everything between bytes and files. Threads may call it at once; the network runs for one at a time.

    model, device, precision: as for Predictor. limits: what a picture may be. Raises WeightsError and
    EngineError at construction.
    """

    def __init__(
        self,
        model: str = "u2net",
        device: str = "auto",
        precision: str = "auto",
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.predictor = Predictor(model, device, precision)
        self._turn = threading.Lock()

    @property
    def description(self) -> str:
        """What it runs on, in a line."""
        return self.predictor.description

    def warm(self) -> None:
        """Run once on an empty picture, so that the first real one does not pay for the start."""
        with self._turn:
            self.predictor.warm()

    def segment(self, source: PictureSource, recipe: Recipe) -> Segmented:
        """Decode a picture and find its subject.

        Raises PictureError for a file that is not taken, and with code `unknown_foreground` where nothing
        stands out in the picture.
        """
        picture = decode(source, self.limits)
        with self._turn:
            coarse = self.predictor.predict([picture.rgb], recipe.shrink)[0]
        judged = assess(coarse)
        if not judged.subject:
            raise PictureError(
                "unknown_foreground",
                "Nothing stands out in this picture, so there is nothing to cut out. "
                "Try one whose subject is larger, sharper or better lit.",
            )
        matte = refine(coarse, picture.rgb, recipe.refine)
        if picture.alpha is not None:
            # What the file itself says is transparent stays so.
            matte = np.minimum(matte, picture.alpha)
        return Segmented(picture, matte, judged.confidence, (*picture.info.warnings, *judged.warnings))

    def render(self, segmented: Segmented, recipe: Recipe, preview_side: int = 640) -> Rendered:
        """The recipe's file of a segmented picture, and a preview of at most `preview_side` pixels a side."""
        picture = segmented.picture
        rgb, alpha = compose(picture.rgb, segmented.matte, recipe)
        file = encode(
            rgb,
            alpha,
            "webp" if recipe.format == "webp-lossless" else recipe.format,
            quality=recipe.quality,
            lossless=recipe.format == "webp-lossless",
            exif=picture.exif if recipe.metadata == "keep" else None,
        )
        return Rendered(file, small(rgb, alpha, preview_side))

    def thumbnail(self, picture: DecodedPicture, side: int) -> Encoded:
        """The picture itself, small: a WebP of at most `side` pixels a side."""
        return small(picture.rgb, picture.alpha, side)


def small(rgb: Bytes | None, alpha: Bytes | None, side: int) -> Encoded:
    """A WebP of at most `side` pixels a side; never enlarged."""
    planes = [plane for plane in (rgb, alpha) if plane is not None]
    height, width = planes[0].shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def shrink(plane: Bytes) -> Bytes:
        return cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    reduce: Callable[[Bytes], Bytes] = shrink if scale < 1 else (lambda plane: plane)
    return encode(
        None if rgb is None else reduce(rgb), None if alpha is None else reduce(alpha), "webp", quality=80
    )

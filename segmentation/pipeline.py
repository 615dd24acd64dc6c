"""From the bytes of a picture to the files of its result: one Pipeline a process, shared by its threads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.backends.base import SideBySide
from segmentation.batcher import MicroBatcher
from segmentation.compose import compose
from segmentation.concurrency import ActiveThreads
from segmentation.confidence import LEAST_PEAK, assess, picture_warnings
from segmentation.encode import Encoded, encode
from segmentation.errors import PictureError, engine_at_fault
from segmentation.large import one_at_a_time
from segmentation.pictures import DecodedPicture, Limits, PictureInfo, PictureSource, decode
from segmentation.pictures.probe import SEVERAL_FRAMES
from segmentation.predictor import Predictor
from segmentation.recipe import Recipe
from segmentation.refine import refine
from segmentation.result_size import MAX_PIXELS
from segmentation.shrink import halved, network_input, stepped, stretch
from segmentation.test_time_augmentation import joined, looks

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


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
    """Everything between bytes and files. Threads may call it at once; one thread of its own runs the
    network, or each for itself where the backend lets them.

    model, device, precision: as for Predictor. limits: what a picture may be. max_batch, max_wait
    (seconds): as for MicroBatcher; None takes what is best on the device. Raises WeightsError and
    EngineError at construction.
    """

    def __init__(
        self,
        model: str = "u2net",
        device: str = "auto",
        precision: str = "auto",
        limits: Limits | None = None,
        max_batch: int | None = None,
        max_wait: float | None = None,
        engine: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.limits = limits or Limits()
        with engine_at_fault():
            self.predictor = Predictor(model, device, precision, engine, threads)
        backend = self.predictor.backend
        self._active = ActiveThreads()
        self._network: MicroBatcher[Floats, Floats] = MicroBatcher(
            lambda entries: list(self.predictor.raw(np.stack(entries))),
            max_batch=max_batch or backend.batch,
            # On a card company is worth a wait. On a CPU what is there already runs together.
            max_wait=(0.0 if backend.device == "cpu" else 0.01) if max_wait is None else max_wait,
        )

    @property
    def description(self) -> str:
        """What it runs on, in a line."""
        return self.predictor.description

    def warm(self) -> None:
        """Run once on an empty picture, so that the first real one does not pay for the start."""
        self._network(np.zeros((3, 320, 320), dtype=np.float32))

    def warm_together(self) -> None:
        """Load all that may be wanted later, and run once on as many as the device likes together: a CPU has
        another form of the network for them.

        For who will have several pictures in hand.
        """
        if isinstance(self.predictor.backend, SideBySide):
            self.predictor.backend.load()
        empty = np.zeros((3, 320, 320), dtype=np.float32)
        # One more, for the first may go alone.
        for answer in [self._network.submit(empty) for _ in range(self.predictor.backend.batch + 1)]:
            answer.result()

    def close(self) -> None:
        """End the network's thread after what it has in hand."""
        self._network.close()

    def segment(self, source: PictureSource, recipe: Recipe) -> Segmented:
        """Decode a picture and find its subject.

        Raises PictureError for a file that is not taken, and with code `unknown_foreground` where nothing
        stands out in the picture; RecipeError for a region of interest outside of the picture.
        """
        with self._active:
            return self._segment(source, recipe)

    def _segment(self, source: PictureSource, recipe: Recipe) -> Segmented:
        picture = decode(source, self.limits)
        height, width = picture.rgb.shape[:2]
        box = recipe.roi.box(width, height) if recipe.roi else None
        halfway = picture.halfway
        seen_half = halfway if picture.alpha is None else None
        entries = looks(network_input(_seen(picture), recipe.shrink, seen_half), recipe.refine)
        raw = joined(self._maps(entries))
        coarse = stepped(stretch(raw))
        judged = assess(coarse)
        # Stretched, even an empty picture's map reaches 1: only the raw map knows that nothing is there.
        if not judged.subject or raw.max() < LEAST_PEAK:
            raise PictureError(
                "unknown_foreground",
                "Nothing stands out in this picture, so there is nothing to cut out. "
                "Try one whose subject is larger, sharper or better lit." + only_the_first(picture.info),
            )
        matte = refine(coarse, picture.rgb, recipe.refine, halfway)
        if picture.alpha is not None:
            # What the file itself says is transparent stays so.
            matte = np.minimum(matte, picture.alpha)
        if box:
            left, top, right, bottom = box
            inside = np.zeros_like(matte)
            inside[top:bottom, left:right] = matte[top:bottom, left:right]
            matte = inside
        warnings = (*picture.info.warnings, *picture_warnings(picture.rgb, halfway), *judged.warnings)
        return Segmented(picture, matte, judged.confidence, warnings)

    def _maps(self, entries: list[Floats]) -> list[Floats]:
        """The raw map of each entry. Raises EngineError."""
        backend = self.predictor.backend
        with engine_at_fault():
            if isinstance(backend, SideBySide) and backend.batch > 1 and self._active.several:
                # The other cores decode and encode: a network on all of them would wait for them at every
                # layer.
                return [backend.run_beside(entry) for entry in entries]
            return [future.result() for future in [self._network.submit(entry) for entry in entries]]

    def file(
        self,
        segmented: Segmented,
        recipe: Recipe,
        backdrop: Bytes | None = None,
        *,
        last: bool = False,
        most_pixels: int = MAX_PIXELS,
    ) -> Encoded:
        """The recipe's file of a segmented picture. backdrop: the picture that a picture background names.
        last: nobody needs the picture's colours afterwards; they may be written over, which saves a copy.
        most_pixels: of a result that is larger than its source. Large results are made one at a time."""
        with _turn(segmented, recipe), self._active:
            composed = _composed(segmented, recipe, backdrop, last, most_pixels)
            return self._file(segmented, recipe, *composed)

    def render(
        self,
        segmented: Segmented,
        recipe: Recipe,
        preview_side: int = 640,
        backdrop: Bytes | None = None,
        *,
        most_pixels: int = MAX_PIXELS,
    ) -> Rendered:
        """The recipe's file, and a preview of at most `preview_side` pixels a side; the rest as for
        `file`."""
        with _turn(segmented, recipe), self._active:
            rgb, alpha = _composed(segmented, recipe, backdrop, False, most_pixels)
            return Rendered(self._file(segmented, recipe, rgb, alpha), small(rgb, alpha, preview_side))

    def thumbnail(self, picture: DecodedPicture, side: int) -> Encoded:
        """The picture itself, small: a WebP of at most `side` pixels a side."""
        return small(picture.rgb, picture.alpha, side)

    def _file(self, segmented: Segmented, recipe: Recipe, rgb: Bytes | None, alpha: Bytes | None) -> Encoded:
        return encode(
            rgb,
            alpha,
            "webp" if recipe.format == "webp-lossless" else recipe.format,
            quality=recipe.effective_quality,
            lossless=recipe.format == "webp-lossless",
            exif=segmented.picture.exif if recipe.metadata == "keep" else None,
            density=segmented.picture.density if recipe.metadata == "keep" else None,
        )


def _turn(segmented: Segmented, recipe: Recipe) -> AbstractContextManager[None]:
    height, width = segmented.matte.shape
    return one_at_a_time(width, height, recipe)


def _composed(
    segmented: Segmented, recipe: Recipe, backdrop: Bytes | None, last: bool, most_pixels: int
) -> tuple[Bytes | None, Bytes | None]:
    picture = segmented.picture
    return compose(
        picture.rgb, segmented.matte, recipe, backdrop, picture.halfway, own=last, most_pixels=most_pixels
    )


def only_the_first(info: PictureInfo) -> str:
    """What a refusal adds for a file of several pictures: the others were not looked at."""
    if SEVERAL_FRAMES not in info.warnings:
        return ""
    return " The file holds several pictures or frames, and only the first was looked at."


def _seen(picture: DecodedPicture) -> Bytes:
    """What the network looks at: a transparent picture as it would lie on white paper."""
    if picture.alpha is None:
        return picture.rgb
    seen = np.empty_like(picture.rgb)
    for top in range(
        0, len(seen), 256
    ):  # in bands: the wide numbers of a whole large picture would be a gigabyte
        band = slice(top, top + 256)
        cover = picture.alpha[band, :, None].astype(np.uint16)
        seen[band] = (picture.rgb[band] * cover + 255 * (255 - cover) + 127) // 255
    return seen


def small(rgb: Bytes | None, alpha: Bytes | None, side: int) -> Encoded:
    """A WebP of at most `side` pixels a side; never enlarged."""
    planes = [plane for plane in (rgb, alpha) if plane is not None]
    height, width = planes[0].shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def shrink(plane: Bytes) -> Bytes:
        near, _ = halved(plane, size[1], size[0])
        return cv2.resize(near, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    reduce: Callable[[Bytes], Bytes] = shrink if scale < 1 else (lambda plane: plane)
    return encode(
        None if rgb is None else reduce(rgb),
        None if alpha is None else reduce(alpha),
        "webp",
        quality=80,
        quick=True,
    )

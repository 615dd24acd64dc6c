"""The pipeline from a picture's bytes to its result files. One Pipeline per process is shared by its
threads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.backends.base import ConcurrentBackend
from segmentation.batcher import MicroBatcher
from segmentation.compose import compose
from segmentation.concurrency import ActiveThreads
from segmentation.confidence import MIN_PEAK, assess, picture_warnings
from segmentation.encode import Encoded, encode
from segmentation.errors import PictureError, engine_at_fault
from segmentation.large import large_result_lock
from segmentation.pictures import DecodedPicture, Limits, PictureInfo, PictureSource, decode
from segmentation.pictures.probe import SEVERAL_FRAMES
from segmentation.predictor import Predictor
from segmentation.recipe import Recipe
from segmentation.refine import refine
from segmentation.result_size import MAX_PIXELS
from segmentation.shrink import halved, network_input, quantised, stretch
from segmentation.test_time_augmentation import augmented_inputs, merge_maps

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Segmented:
    """A decoded picture and its matte.

    matte: H×W uint8, same size as the upright picture. confidence: 0..1. warnings: sentences for a person.
    """

    picture: DecodedPicture
    matte: Bytes
    confidence: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rendered:
    """The file that a recipe describes, and its preview, a small WebP."""

    file: Encoded
    preview: Encoded


class Pipeline:
    """Decodes, segments and renders pictures. Thread-safe: one internal thread runs the network, or each
    calling thread does if the backend supports it.

    model, device, precision, engine, threads: as for Predictor. limits: which pictures are accepted.
    max_batch, max_wait (seconds): as for MicroBatcher; None takes the device's best value. The constructor
    raises WeightsError and EngineError.
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
            # On a GPU, waiting for a larger batch pays. On a CPU only entries that are already queued run
            # together.
            max_wait=(0.0 if backend.device == "cpu" else 0.01) if max_wait is None else max_wait,
        )

    @property
    def description(self) -> str:
        """Model, engine, device and precision in one line."""
        return self.predictor.description

    def warm(self) -> None:
        """Runs once on an empty picture, so that the first real one does not pay for the start-up."""
        self._network(np.zeros((3, 320, 320), dtype=np.float32))

    def warm_batch(self) -> None:
        """Loads everything that may be needed later, and runs one full batch: a CPU uses another compiled
        network for batches.

        For callers that process several pictures at once.
        """
        if isinstance(self.predictor.backend, ConcurrentBackend):
            self.predictor.backend.load()
        empty = np.zeros((3, 320, 320), dtype=np.float32)
        # One more than a batch, because the first may run alone.
        for answer in [self._network.submit(empty) for _ in range(self.predictor.backend.batch + 1)]:
            answer.result()

    def close(self) -> None:
        """Finishes queued pictures and ends the network's thread."""
        self._network.close()

    def segment(self, source: PictureSource, recipe: Recipe) -> Segmented:
        """Decodes a picture and segments its subject.

        Raises PictureError for a file that is not accepted, and with code `unknown_foreground` when the
        picture has no salient subject; RecipeError for a region of interest outside the picture.
        """
        with self._active:
            return self._segment(source, recipe)

    def _segment(self, source: PictureSource, recipe: Recipe) -> Segmented:
        picture = decode(source, self.limits)
        height, width = picture.rgb.shape[:2]
        box = recipe.roi.box(width, height) if recipe.roi else None
        half_size = picture.half_size
        seen_half = half_size if picture.alpha is None else None
        entries = augmented_inputs(network_input(_flatten(picture), recipe.shrink, seen_half), recipe.refine)
        raw = merge_maps(self._maps(entries))
        coarse = quantised(stretch(raw))
        judged = assess(coarse)
        # After stretching even an empty picture's map reaches 1: only the raw map shows that there is no
        # subject.
        if not judged.subject or raw.max() < MIN_PEAK:
            raise PictureError(
                "unknown_foreground",
                "Nothing stands out in this picture, so there is nothing to cut out. "
                "Try one whose subject is larger, sharper or better lit." + first_frame_note(picture.info),
            )
        matte = refine(coarse, picture.rgb, recipe.refine, half_size)
        if picture.alpha is not None:
            # Transparent areas of the file stay transparent.
            matte = np.minimum(matte, picture.alpha)
        if box:
            left, top, right, bottom = box
            inside = np.zeros_like(matte)
            inside[top:bottom, left:right] = matte[top:bottom, left:right]
            matte = inside
        warnings = (*picture.info.warnings, *picture_warnings(picture.rgb, half_size), *judged.warnings)
        return Segmented(picture, matte, judged.confidence, warnings)

    def _maps(self, entries: list[Floats]) -> list[Floats]:
        """Returns the raw map of each entry. Raises EngineError."""
        backend = self.predictor.backend
        with engine_at_fault():
            if isinstance(backend, ConcurrentBackend) and backend.batch > 1 and self._active.several:
                # The other cores decode and encode: a network on all cores would wait for them at every
                # layer.
                return [backend.run_concurrently(entry) for entry in entries]
            return [future.result() for future in [self._network.submit(entry) for entry in entries]]

    def file(
        self,
        segmented: Segmented,
        recipe: Recipe,
        backdrop: Bytes | None = None,
        *,
        in_place: bool = False,
        most_pixels: int = MAX_PIXELS,
    ) -> Encoded:
        """Returns the recipe's file of a segmented picture. backdrop: the image of a picture background.
        in_place: the picture's pixels are not needed afterwards and may be overwritten, which saves a copy.
        most_pixels: limit for a result that is larger than its source. Large results are rendered one at a
        time.
        """
        with _large_result_lock(segmented, recipe), self._active:
            composed = _compose(segmented, recipe, backdrop, in_place, most_pixels)
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
        """Returns the recipe's file, and a preview of at most `preview_side` pixels a side; the rest as for
        `file`.
        """
        with _large_result_lock(segmented, recipe), self._active:
            rgb, alpha = _compose(segmented, recipe, backdrop, False, most_pixels)
            return Rendered(
                self._file(segmented, recipe, rgb, alpha), encode_preview(rgb, alpha, preview_side)
            )

    def thumbnail(self, picture: DecodedPicture, side: int) -> Encoded:
        """Returns a thumbnail of the picture itself: a WebP of at most `side` pixels a side."""
        return encode_preview(picture.rgb, picture.alpha, side)

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


def _large_result_lock(segmented: Segmented, recipe: Recipe) -> AbstractContextManager[None]:
    height, width = segmented.matte.shape
    return large_result_lock(width, height, recipe)


def _compose(
    segmented: Segmented, recipe: Recipe, backdrop: Bytes | None, in_place: bool, most_pixels: int
) -> tuple[Bytes | None, Bytes | None]:
    picture = segmented.picture
    return compose(
        picture.rgb,
        segmented.matte,
        recipe,
        backdrop,
        picture.half_size,
        in_place=in_place,
        most_pixels=most_pixels,
    )


def first_frame_note(info: PictureInfo) -> str:
    """Returns a sentence to add to an error for a file of several frames: only the first was processed. Empty
    for a file of one.
    """
    if SEVERAL_FRAMES not in info.warnings:
        return ""
    return " The file holds several pictures or frames, and only the first was looked at."


def _flatten(picture: DecodedPicture) -> Bytes:
    """Returns the network's view of the picture: transparent areas are flattened on white."""
    if picture.alpha is None:
        return picture.rgb
    seen = np.empty_like(picture.rgb)
    for top in range(
        0, len(seen), 256
    ):  # in bands: the uint16 values of a whole large picture would take a gigabyte
        band = slice(top, top + 256)
        cover = picture.alpha[band, :, None].astype(np.uint16)
        seen[band] = (picture.rgb[band] * cover + 255 * (255 - cover) + 127) // 255
    return seen


def encode_preview(rgb: Bytes | None, alpha: Bytes | None, side: int) -> Encoded:
    """Encodes a WebP of at most `side` pixels a side; never enlarges."""
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

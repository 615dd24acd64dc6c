"""Where everything goes: from a picture, its subject's box and a recipe to a canvas and the subject's place
on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.errors import RecipeError
from segmentation.recipe import Recipe
from segmentation.result_size import MAX_PIXELS, MAX_SIDE, Box, canvas, frame

# What is fainter than this (of 255) does not count as subject when its box is measured.
FAINT = 12


@dataclass(frozen=True, slots=True)
class Placement:
    """`region` (left, top, right, bottom) of the source, resized to `drawn` (width, height), stands on a
    canvas of `canvas` (width, height) with its upper left corner at `corner` (x, y), which may lie outside.
    """

    canvas: tuple[int, int]
    region: Box
    drawn: tuple[int, int]
    corner: tuple[int, int]

    def on_canvas(self, box: Box) -> Box:
        """Where a box of the source lies on the canvas, what is beyond its edges cut off: at least a pixel
        of it."""
        across = self.drawn[0] / (self.region[2] - self.region[0])
        down = self.drawn[1] / (self.region[3] - self.region[1])
        left = self.corner[0] + math.floor((box[0] - self.region[0]) * across)
        top = self.corner[1] + math.floor((box[1] - self.region[1]) * down)
        right = self.corner[0] + math.ceil((box[2] - self.region[0]) * across)
        bottom = self.corner[1] + math.ceil((box[3] - self.region[1]) * down)
        left, top = min(max(left, 0), self.canvas[0] - 1), min(max(top, 0), self.canvas[1] - 1)
        return left, top, max(left + 1, min(right, self.canvas[0])), max(top + 1, min(bottom, self.canvas[1]))

    def as_it_is(self, width: int, height: int) -> bool:
        """Whether the source of that size simply stays what it is."""
        whole = self.region == (0, 0, width, height)
        return whole and self.canvas == self.drawn == (width, height) and self.corner == (0, 0)


def subject_box(alpha: NDArray[np.uint8]) -> Box:
    """(left, top, right, bottom) of what is seen in a matte (H×W uint8), the latter two exclusive; all of it
    where nothing is.
    """
    # OpenCV's largest of each row and column takes a tenth of the time of a comparison of every pixel.
    rows = np.flatnonzero(cv2.reduce(alpha, 1, cv2.REDUCE_MAX).ravel() > FAINT)
    if not rows.size:
        return 0, 0, alpha.shape[1], alpha.shape[0]
    columns = np.flatnonzero(cv2.reduce(alpha, 0, cv2.REDUCE_MAX).ravel() > FAINT)
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def place(width: int, height: int, subject: Box, recipe: Recipe, most_pixels: int = MAX_PIXELS) -> Placement:
    """Lay out a `width`×`height` source whose subject fills the box `subject`.

    Raises RecipeError `result_too_large` where the canvas would pass MAX_SIDE or `most_pixels` and is larger
    than the source.
    """
    left, top, right, bottom = frame(width, height, subject, recipe)
    frame_w, frame_h = right - left, bottom - top
    canvas_w, canvas_h = canvas(frame_w, frame_h, recipe)
    if (max(canvas_w, canvas_h) > MAX_SIDE or canvas_w * canvas_h > most_pixels) and (
        canvas_w * canvas_h > width * height
    ):
        sentence = f"The result would have {canvas_w}×{canvas_h} pixels; ask for a smaller size or margin."
        raise RecipeError("result_too_large", sentence, "size")
    subject_w, subject_h = subject[2] - subject[0], subject[3] - subject[1]
    fit = min(canvas_w / frame_w, canvas_h / frame_h)
    if recipe.scale is None:
        scale = fit
    else:
        scale = recipe.scale / 100 * min(canvas_w / subject_w, canvas_h / subject_h)
    if not isinstance(recipe.position, tuple):
        # The frame stands in the middle of the canvas.
        origin_x = (canvas_w - frame_w * fit) / 2 - left * fit
        origin_y = (canvas_h - frame_h * fit) / 2 - top * fit
        if recipe.scale is not None:
            origin_x = _about(origin_x, fit, scale, subject[0], subject_w, canvas_w)
            origin_y = _about(origin_y, fit, scale, subject[1], subject_h, canvas_h)
    else:
        across, down = recipe.position
        origin_x = (canvas_w - subject_w * scale) * across / 100 - subject[0] * scale
        origin_y = (canvas_h - subject_h * scale) * down / 100 - subject[1] * scale
    # A frame wider than the picture has nothing there; a narrower one cuts off.
    region = (max(0, left), max(0, top), min(width, right), min(height, bottom))
    return Placement(
        (canvas_w, canvas_h),
        region,
        (max(1, round((region[2] - region[0]) * scale)), max(1, round((region[3] - region[1]) * scale))),
        (round(origin_x + region[0] * scale), round(origin_y + region[1] * scale)),
    )


def _about(origin: float, fit: float, scale: float, start: int, length: int, canvas: int) -> float:
    """Where one side of the source begins once its subject (`length` from `start` on) has another scale,
    about its own middle, or as near to that as it stays on the canvas whole."""
    begins = origin + (start + length / 2) * fit - length / 2 * scale
    return min(max(begins, 0.0), max(0.0, canvas - length * scale)) - start * scale

"""Composites a picture and its matte into the pixels of the result that a recipe describes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.backgrounds import paint, plain
from segmentation.binary import binary
from segmentation.canvas import place, subject_box
from segmentation.foreground import estimate
from segmentation.layers import over, paste, resized
from segmentation.recipe import WHITE, Recipe
from segmentation.result_size import MAX_PIXELS, Box
from segmentation.shadows import cast

Bytes = NDArray[np.uint8]

# Contrast ×4 around the middle: half-transparent areas become opaque or transparent, edges stay smooth.
_STEEP = np.clip((np.arange(256) - 127.5) * 4 + 127.5, 0, 255).round().astype(np.uint8)


def compose(
    rgb: Bytes,
    alpha: Bytes,
    recipe: Recipe,
    backdrop: Bytes | None = None,
    half_size: Bytes | None = None,
    *,
    in_place: bool = False,
    most_pixels: int = MAX_PIXELS,
) -> tuple[Bytes | None, Bytes | None]:
    """Returns the result's colours and alpha, ready for encoding.

    `rgb`: the source, H×W×3 uint8 sRGB. Its foreground colours are estimated here, unless the recipe's
    refinement is off. `alpha`: its matte, H×W uint8. `backdrop`: the image of a picture background, h×w×3 or
    h×w×4 (straight alpha) uint8 sRGB. `half_size`: the source at half size (shrink.half_of), if already
    computed. `in_place`: the source's pixels may be overwritten. `most_pixels`: limit for a result that is
    larger than its source. Returns (colours, alpha). Colours are None for the matte alone. Alpha is None when
    nothing is transparent, unless the recipe asks for an alpha channel anyway. Raises RecipeError
    `missing_background`, `result_too_large`.
    """
    height, width = alpha.shape
    # The box reads every pixel: compute it only when the layout or a background needs it.
    laid = recipe.crop or recipe.scale is not None or recipe.position is not None
    subject = subject_box(alpha) if laid else (0, 0, width, height)
    put = place(width, height, subject, recipe, most_pixels)
    left, top, right, bottom = put.region
    seen = resized(alpha[top:bottom, left:right], put.drawn)
    if recipe.binary:
        seen = binary(seen)
    elif not recipe.semitransparency:
        seen = np.asarray(cv2.LUT(seen, _STEEP), np.uint8)
    if recipe.channels == "alpha":
        return None, _on_canvas(seen, put.canvas, put.corner)
    part = rgb[top:bottom, left:right]
    ground = paint(recipe.background, put.canvas, part, alpha[top:bottom, left:right], backdrop)
    # Estimate colours at the result's size: averages of picture and matte are themselves such a mixture.
    colours = resized(part, put.drawn)
    if recipe.refine != "off":
        untouched = put.region == (0, 0, width, height) and put.drawn == (width, height)
        free = in_place or colours is not part
        colours = estimate(colours, seen, half_size if untouched else None, in_place=free)
    matte = _on_canvas(seen, put.canvas, put.corner)
    if ground is None and recipe.shadow is None:
        return _on_canvas(colours, put.canvas, put.corner), matte
    under, through = ground or (np.zeros((*matte.shape, 3), np.uint8), np.zeros_like(matte))
    if recipe.shadow is not None:
        shade, _ = plain(recipe.shadow.colour, put.canvas)
        under, through = over(shade, cast(recipe.shadow, matte), under, through)
    under, through = over(_on_canvas(colours, put.canvas, put.corner), matte, under, through)
    if recipe.format == "jpeg" and through is not None:
        under, through = over(under, through, *plain(WHITE, put.canvas))
    if recipe.channels == "rgba-always" and through is None:
        through = np.full_like(matte, 255)
    return under, through


def subject_position(alpha: Bytes, recipe: Recipe) -> tuple[Box, tuple[int, int]]:
    """Returns the subject's bounding box (left, top, right, bottom) in the recipe's result, from a matte (H×W
    uint8), and the width and height of the result without a size limit.
    """
    height, width = alpha.shape
    subject = subject_box(alpha)
    whole = place(width, height, subject, replace(recipe, size=None)).canvas
    return place(width, height, subject, recipe).on_canvas(subject), whole


def _on_canvas(layer: Bytes, canvas: tuple[int, int], corner: tuple[int, int]) -> Bytes:
    """Places the layer on an empty canvas (width, height); returns the layer itself if it covers the
    canvas."""
    if layer.shape[1::-1] == canvas and corner == (0, 0):
        return layer
    out = np.zeros((canvas[1], canvas[0], *layer.shape[2:]), np.uint8)
    paste(layer, out, corner)
    return out

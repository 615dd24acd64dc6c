"""From a picture and its matte to the pixels of the result that a recipe asks for."""

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

# Four times as steep around the middle: what is half seen becomes seen or not, an edge stays a smooth one.
_FIRM = np.clip((np.arange(256) - 127.5) * 4 + 127.5, 0, 255).round().astype(np.uint8)


def compose(
    rgb: Bytes,
    alpha: Bytes,
    recipe: Recipe,
    backdrop: Bytes | None = None,
    halfway: Bytes | None = None,
    *,
    own: bool = False,
    most_pixels: int = MAX_PIXELS,
) -> tuple[Bytes | None, Bytes | None]:
    """The result's colours and alpha, ready to be encoded.

    `rgb`: the source, H×W×3 uint8 sRGB (its own colours: the subject's are estimated here, unless the
    recipe's refinement is off). `alpha`: its matte, H×W uint8. `backdrop`: the picture that a picture
    background names, h×w×3 or h×w×4 (straight alpha) uint8 sRGB. `halfway`: what shrink.half_of made of the
    source, where that is at hand. `own`: the source's colours may be written over. `most_pixels`: of a result
    that is larger than its source. Answers (colours, alpha): colours None for the matte alone, alpha None
    where nothing is transparent (and the recipe does not ask for an alpha channel all the same). Raises
    RecipeError `missing_background`, `result_too_large`.
    """
    height, width = alpha.shape
    # The box costs a look at every pixel: only where the layout or a background needs it.
    laid = recipe.crop or recipe.scale is not None or recipe.position is not None
    subject = subject_box(alpha) if laid else (0, 0, width, height)
    put = place(width, height, subject, recipe, most_pixels)
    left, top, right, bottom = put.region
    seen = resized(alpha[top:bottom, left:right], put.drawn)
    if recipe.binary:
        seen = binary(seen)
    elif not recipe.semitransparency:
        seen = np.asarray(cv2.LUT(seen, _FIRM), np.uint8)
    if recipe.channels == "alpha":
        return None, _on_canvas(seen, put.canvas, put.corner)
    part = rgb[top:bottom, left:right]
    ground = paint(recipe.background, put.canvas, part, alpha[top:bottom, left:right], backdrop)
    # Colours are estimated at the result's size: averages of picture and matte are themselves such a mixture.
    colours = resized(part, put.drawn)
    if recipe.refine != "off":
        untouched = put.region == (0, 0, width, height) and put.drawn == (width, height)
        free = own or colours is not part
        colours = estimate(colours, seen, halfway if untouched else None, own=free)
    veil = _on_canvas(seen, put.canvas, put.corner)
    if ground is None and recipe.shadow is None:
        return _on_canvas(colours, put.canvas, put.corner), veil
    under, through = ground or (np.zeros((*veil.shape, 3), np.uint8), np.zeros_like(veil))
    if recipe.shadow is not None:
        shade, _ = plain(recipe.shadow.colour, put.canvas)
        under, through = over(shade, cast(recipe.shadow, veil), under, through)
    under, through = over(_on_canvas(colours, put.canvas, put.corner), veil, under, through)
    if recipe.format == "jpeg" and through is not None:
        under, through = over(under, through, *plain(WHITE, put.canvas))
    if recipe.channels == "rgba-always" and through is None:
        through = np.full_like(veil, 255)
    return under, through


def stands(alpha: Bytes, recipe: Recipe) -> tuple[Box, tuple[int, int]]:
    """Where the subject of a matte (H×W uint8) stands in the recipe's result (left, top, right, bottom), and
    the width and height that the result would have without a limit on its size."""
    height, width = alpha.shape
    subject = subject_box(alpha)
    whole = place(width, height, subject, replace(recipe, size=None)).canvas
    return place(width, height, subject, recipe).on_canvas(subject), whole


def _on_canvas(layer: Bytes, canvas: tuple[int, int], corner: tuple[int, int]) -> Bytes:
    """The layer on an empty canvas (width, height); itself where it is the canvas."""
    if layer.shape[1::-1] == canvas and corner == (0, 0):
        return layer
    out = np.zeros((canvas[1], canvas[0], *layer.shape[2:]), np.uint8)
    paste(layer, out, corner)
    return out

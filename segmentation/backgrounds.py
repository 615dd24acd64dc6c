"""Renders the background behind the subject: a colour, a gradient, a picture, or the blurred source."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.edges import fit_size
from segmentation.errors import RecipeError
from segmentation.layers import over, paste, resized, to_linear, to_srgb
from segmentation.local_linear import long_tail_blur
from segmentation.recipe import Backdrop, Background, Blurred, Colour, Gradient, Plain, Transparent

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Layer = tuple[Bytes, Bytes | None]

_BLUR_AT = 6.0  # pixels of sigma: a wider blur runs on a downscaled picture
_ROWS = 256


def paint(
    background: Background, size: tuple[int, int], rgb: Bytes, alpha: Bytes, backdrop: Bytes | None
) -> Layer | None:
    """Returns the background on a canvas of `size` (width, height): colours, H×W×3 uint8, and alpha, H×W
    uint8 (None: opaque). Returns None for a transparent background.

    `rgb`, `alpha`: the source and its matte, for a blurred background. `backdrop`: the image of a picture
    background, h×w×3 or h×w×4 uint8. Raises RecipeError `missing_background` when a picture background has no
    `backdrop`.
    """
    if isinstance(background, Transparent):
        return None
    if isinstance(background, Plain):
        return plain(background.colour, size)
    if isinstance(background, Gradient):
        return gradient(background, size)
    if isinstance(background, Blurred):
        return blurred(rgb, alpha, size, background.radius.pixels(max(size))), None
    if backdrop is None:
        sentence = f"The background picture {background.ref!r} is missing."
        raise RecipeError("missing_background", sentence, "background")
    return picture(background, backdrop, size)


def plain(colour: Colour, size: tuple[int, int]) -> Layer:
    """Returns a canvas of one colour."""
    width, height = size
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = (colour.red, colour.green, colour.blue)
    return pixels, None if colour.opaque else np.full((height, width), colour.alpha, np.uint8)


def gradient(kind: Gradient, size: tuple[int, int]) -> Layer:
    """Returns the gradient. Premultiplied colours are mixed in linear light; there is no banding beyond 8
    bits.
    """
    width, height = size
    table, opacity = _ramp(kind.colours)
    x = (np.arange(width, dtype=np.float32) + 0.5) - width / 2
    pixels = np.empty((height, width, 3), np.uint8)
    alpha = None if kind.opaque else np.empty((height, width), np.uint8)
    for start in range(0, height, _ROWS):
        y = (np.arange(start, min(height, start + _ROWS), dtype=np.float32) + 0.5) - height / 2
        if kind.kind == "radial":
            way = np.hypot(x[None, :], y[:, None]) / (math.hypot(width, height) / 2)
        else:
            turn = math.radians(kind.angle)
            # As in CSS: the gradient line is so long that the corners get exactly the outer colours.
            length = abs(width * math.sin(turn)) + abs(height * math.cos(turn))
            way = 0.5 + (x[None, :] * math.sin(turn) - y[:, None] * math.cos(turn)) / length
        step = np.rint(np.clip(way, 0, 1) * (len(table) - 1)).astype(np.intp)
        pixels[start : start + _ROWS] = table[step]
        if alpha is not None:
            alpha[start : start + _ROWS] = opacity[step]
    return pixels, alpha


def _ramp(colours: tuple[Colour, ...], steps: int = 4096) -> tuple[Bytes, Bytes]:
    """Returns a table of `steps` colours (steps×3 uint8) and alphas from the first colour to the last."""
    at = np.linspace(0, 1, steps)
    stops = np.linspace(0, 1, len(colours))
    values = np.array([(c.red, c.green, c.blue) for c in colours], np.uint8)
    opacities = np.array([c.alpha / 255 for c in colours])
    opacity = np.interp(at, stops, opacities)
    light = to_linear(values) * opacities[:, None]
    mixed = np.stack([np.interp(at, stops, light[:, part]) for part in range(3)], axis=1)
    straight = mixed / np.where(opacity > 0, opacity, 1)[:, None]
    return to_srgb(straight.astype(np.float32)), np.rint(255 * opacity).astype(np.uint8)


def picture(background: Backdrop, backdrop: Bytes, size: tuple[int, int]) -> Layer:
    """Returns another picture, centred. `cover` fills the canvas; `contain` shows the whole picture on the
    background's colour.
    """
    width, height = size
    tall, wide = backdrop.shape[:2]
    if background.fit == "cover":
        drawn = resized(_crop_to_ratio(backdrop, width / height), size)
        alpha = np.ascontiguousarray(drawn[..., 3]) if drawn.shape[2] == 4 else None
        return np.ascontiguousarray(drawn[..., :3]), alpha
    scale = min(width / wide, height / tall)
    drawn = resized(backdrop, (max(1, round(wide * scale)), max(1, round(tall * scale))))
    corner = ((width - drawn.shape[1]) // 2, (height - drawn.shape[0]) // 2)
    top = np.zeros((height, width, 3), np.uint8)
    opacity = np.zeros((height, width), np.uint8)
    paste(np.ascontiguousarray(drawn[..., :3]), top, corner)
    paste(drawn[..., 3] if drawn.shape[2] == 4 else np.full(drawn.shape[:2], 255, np.uint8), opacity, corner)
    if background.colour.alpha == 0:
        return top, None if opacity.all() and int(opacity.min()) == 255 else opacity
    return over(top, opacity, *plain(background.colour, size))


def _crop_to_ratio(pixels: Bytes, ratio: float) -> Bytes:
    """Crops the picture to the ratio width : height around its centre."""
    tall, wide = pixels.shape[:2]
    if wide > tall * ratio:
        kept = max(1, round(tall * ratio))
        start = (wide - kept) // 2
        return pixels[:, start : start + kept]
    kept = max(1, min(tall, round(wide / ratio)))
    start = (tall - kept) // 2
    return pixels[start : start + kept]


def blurred(rgb: Bytes, alpha: Bytes, size: tuple[int, int], sigma: float) -> Bytes:
    """Returns the source's background, blurred by `sigma` pixels of the canvas, scaled to cover it, opaque.

    The subject is left out and its area filled from its surroundings; otherwise its colours would form a halo
    around the sharp subject. The blur runs in linear light, as in a lens.
    """
    shrink = min(1.0, _BLUR_AT / max(sigma, 1e-6))
    small = fit_size(size[0], size[1], max(1, round(max(size) * shrink)))
    ratio = size[0] / size[1]
    light = to_linear(resized(_crop_to_ratio(rgb, ratio), small))
    cover = resized(_crop_to_ratio(alpha, ratio), small)
    # Faint matte values reach further than they look: dilate to exclude a few more pixels.
    cover = np.asarray(cv2.dilate(cover, np.ones((5, 5), np.uint8)), np.uint8)
    weight = np.square(1 - np.multiply(cover, np.float32(1 / 255), dtype=np.float32)) + np.float32(1e-12)
    plane = np.asarray(cv2.merge([*cv2.split(light * weight[..., None]), weight]), np.float32)
    # Fill the hole first, from ever wider surroundings, then blur everything at once.
    filled = long_tail_blur(plane, 0.05, 10)
    whole = light * weight[..., None] + (1 - weight[..., None]) * (filled[..., :3] / filled[..., 3:])
    if sigma * shrink > 0.1:
        whole = np.asarray(cv2.GaussianBlur(whole, (0, 0), sigma * shrink, borderType=cv2.BORDER_REFLECT))
    return resized(to_srgb(np.asarray(whole, np.float32)), size)

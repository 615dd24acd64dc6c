"""What stands behind the subject: colours, gradients, pictures, the source out of focus."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.edges import fitting
from segmentation.errors import RecipeError
from segmentation.layers import over, paste, resized, to_linear, to_srgb
from segmentation.local_linear import tailed
from segmentation.recipe import Backdrop, Background, Blurred, Colour, Gradient, Plain, Transparent

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Layer = tuple[Bytes, Bytes | None]

_BLUR_AT = 6.0  # pixels: a wider blur is done on a smaller picture
_ROWS = 256


def paint(
    background: Background, size: tuple[int, int], rgb: Bytes, alpha: Bytes, backdrop: Bytes | None
) -> Layer | None:
    """The background on a canvas of `size` (width, height): its colours and alpha (None: opaque); None:
    nothing.

    `rgb`, `alpha`: the source and its matte, of which a blurred background is made. `backdrop`: the picture
    of a picture background, h×w×3 or h×w×4 uint8. Raises RecipeError `missing_background` where that is not
    given.
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
        sentence = f"The picture {background.ref!r} for the background was not given."
        raise RecipeError("missing_background", sentence, "background")
    return picture(background, backdrop, size)


def plain(colour: Colour, size: tuple[int, int]) -> Layer:
    """One colour everywhere."""
    width, height = size
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = (colour.red, colour.green, colour.blue)
    return pixels, None if colour.opaque else np.full((height, width), colour.alpha, np.uint8)


def gradient(kind: Gradient, size: tuple[int, int]) -> Layer:
    """The gradient, mixed in linear light from premultiplied colours, without banding beyond 8 bits."""
    width, height = size
    table, veil = _ramp(kind.colours)
    x = (np.arange(width, dtype=np.float32) + 0.5) - width / 2
    pixels = np.empty((height, width, 3), np.uint8)
    alpha = None if kind.opaque else np.empty((height, width), np.uint8)
    for start in range(0, height, _ROWS):
        y = (np.arange(start, min(height, start + _ROWS), dtype=np.float32) + 0.5) - height / 2
        if kind.kind == "radial":
            way = np.hypot(x[None, :], y[:, None]) / (math.hypot(width, height) / 2)
        else:
            turn = math.radians(kind.angle)
            # CSS: the line is so long that the corners get exactly the outer colours.
            length = abs(width * math.sin(turn)) + abs(height * math.cos(turn))
            way = 0.5 + (x[None, :] * math.sin(turn) - y[:, None] * math.cos(turn)) / length
        step = np.rint(np.clip(way, 0, 1) * (len(table) - 1)).astype(np.intp)
        pixels[start : start + _ROWS] = table[step]
        if alpha is not None:
            alpha[start : start + _ROWS] = veil[step]
    return pixels, alpha


def _ramp(colours: tuple[Colour, ...], steps: int = 4096) -> tuple[Bytes, Bytes]:
    """`steps` colours (steps×3) and alphas from the first to the last."""
    at = np.linspace(0, 1, steps)
    stops = np.linspace(0, 1, len(colours))
    values = np.array([(c.red, c.green, c.blue) for c in colours], np.uint8)
    veils = np.array([c.alpha / 255 for c in colours])
    veil = np.interp(at, stops, veils)
    light = to_linear(values) * veils[:, None]
    mixed = np.stack([np.interp(at, stops, light[:, part]) for part in range(3)], axis=1)
    straight = mixed / np.where(veil > 0, veil, 1)[:, None]
    return to_srgb(straight.astype(np.float32)), np.rint(255 * veil).astype(np.uint8)


def picture(background: Backdrop, backdrop: Bytes, size: tuple[int, int]) -> Layer:
    """Another picture, centred: `cover` fills the canvas, `contain` shows all of it on the background's
    colour.
    """
    width, height = size
    tall, wide = backdrop.shape[:2]
    if background.fit == "cover":
        drawn = resized(_cut_to(backdrop, width / height), size)
        alpha = np.ascontiguousarray(drawn[..., 3]) if drawn.shape[2] == 4 else None
        return np.ascontiguousarray(drawn[..., :3]), alpha
    scale = min(width / wide, height / tall)
    drawn = resized(backdrop, (max(1, round(wide * scale)), max(1, round(tall * scale))))
    corner = ((width - drawn.shape[1]) // 2, (height - drawn.shape[0]) // 2)
    top = np.zeros((height, width, 3), np.uint8)
    veil = np.zeros((height, width), np.uint8)
    paste(np.ascontiguousarray(drawn[..., :3]), top, corner)
    paste(drawn[..., 3] if drawn.shape[2] == 4 else np.full(drawn.shape[:2], 255, np.uint8), veil, corner)
    if background.colour.alpha == 0:
        return top, None if veil.all() and int(veil.min()) == 255 else veil
    return over(top, veil, *plain(background.colour, size))


def _cut_to(pixels: Bytes, ratio: float) -> Bytes:
    """The middle of the picture that has the ratio width : height."""
    tall, wide = pixels.shape[:2]
    if wide > tall * ratio:
        kept = max(1, round(tall * ratio))
        start = (wide - kept) // 2
        return pixels[:, start : start + kept]
    kept = max(1, min(tall, round(wide / ratio)))
    start = (tall - kept) // 2
    return pixels[start : start + kept]


def blurred(rgb: Bytes, alpha: Bytes, size: tuple[int, int], sigma: float) -> Bytes:
    """The source's background out of focus by `sigma` pixels of the canvas, cover-fit, opaque.

    The subject has no share in it: its place is filled from what is around it, or a halo of its colours would
    stand around the sharp subject. Averaged in linear light, as a lens does.
    """
    shrink = min(1.0, _BLUR_AT / max(sigma, 1e-6))
    small = fitting(size[0], size[1], max(1, round(max(size) * shrink)))
    ratio = size[0] / size[1]
    light = to_linear(resized(_cut_to(rgb, ratio), small))
    cover = resized(_cut_to(alpha, ratio), small)
    # The matte's foot is wider than it looks: a few pixels more are taken away.
    cover = np.asarray(cv2.dilate(cover, np.ones((5, 5), np.uint8)), np.uint8)
    weight = np.square(1 - np.multiply(cover, np.float32(1 / 255), dtype=np.float32)) + np.float32(1e-12)
    plane = np.asarray(cv2.merge([*cv2.split(light * weight[..., None]), weight]), np.float32)
    # First the hole is filled, from ever farther away; then all is blurred as one.
    filled = tailed(plane, 0.05, 10)
    whole = light * weight[..., None] + (1 - weight[..., None]) * (filled[..., :3] / filled[..., 3:])
    if sigma * shrink > 0.1:
        whole = np.asarray(cv2.GaussianBlur(whole, (0, 0), sigma * shrink, borderType=cv2.BORDER_REFLECT))
    return resized(to_srgb(np.asarray(whole, np.float32)), size)

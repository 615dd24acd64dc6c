"""Augments one pair. Each operation draws from a random generator seeded by the pair's position: no state is
kept.

From the paper: resize to a square, random crop, flip. The others are off by default; each adds a property
that users' photos have and DUTS-TR lacks: blur, artefacts, noise, low resolution, other backgrounds.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from segmentation.training.config import TrainConfig
from segmentation.training.sources import Bytes

Pair = tuple[Bytes, Bytes]


def generator(seed: int, position: int) -> Generator:
    """Returns the random generator of the picture at a position of the run."""
    return np.random.default_rng([seed, 3, position])


def crop_side(config: TrainConfig, step: int) -> int:
    """Returns the side of all crops of a step: a multiple of 32 between crop_min and crop_max."""
    if config.crop_min == config.crop_max:
        return config.crop_min
    choices = range(-(-config.crop_min // 32), config.crop_max // 32 + 1)
    return 32 * int(np.random.default_rng([config.seed, 4, step]).choice(list(choices)))


def augment(pair: Pair, other: Bytes | None, config: TrainConfig, side: int, rng: Generator) -> Pair:
    """Returns an augmented pair: side×side×3 RGB and side×side grey, uint8.

    other: another picture, for a new background; None if recompose is off.
    """
    rgb, mask = pair
    if other is not None and rng.random() < config.recompose:
        rgb = recompose(rgb, mask, other, rng)
    rgb, mask = _random_zoom(rgb, mask, config.zoom, rng)
    rgb, mask = _random_crop(rgb, mask, config, side, rng)
    if rng.random() < config.flip:
        rgb, mask = rgb[:, ::-1], mask[:, ::-1]
    if rng.random() < config.flip_vertical:
        rgb, mask = rgb[::-1], mask[::-1]
    rgb = np.ascontiguousarray(rgb)
    for probability, change in (
        (config.colour, colour),
        (config.blur, blur),
        (config.shrink, shrink),
        (config.noise, noise),
        (config.jpeg, jpeg),
    ):
        if probability and rng.random() < probability:
            rgb = change(rgb, rng)
    return rgb, np.ascontiguousarray(mask)


def recompose(rgb: Bytes, mask: Bytes, other: Bytes, rng: Generator) -> Bytes:
    """Composites the subject of a pair on another picture, which is cropped to the same shape and possibly
    mirrored.
    """
    height, width = mask.shape
    behind = other[:, ::-1] if rng.random() < 0.5 else other
    scale = max(height / behind.shape[0], width / behind.shape[1])
    size = (max(width, round(behind.shape[1] * scale)), max(height, round(behind.shape[0] * scale)))
    behind = np.asarray(
        cv2.resize(np.ascontiguousarray(behind), size, interpolation=cv2.INTER_LINEAR), np.uint8
    )
    top = int(rng.integers(behind.shape[0] - height + 1))
    left = int(rng.integers(behind.shape[1] - width + 1))
    alpha = cv2.GaussianBlur(mask, (3, 3), 0).astype(np.float32)[..., None] / 255
    behind = behind[top : top + height, left : left + width]
    return np.asarray(np.rint(rgb * alpha + behind * (1 - alpha)), np.uint8)


def colour(rgb: Bytes, rng: Generator) -> Bytes:
    """Brightness ×.7 to 1.3, contrast ×.7 to 1.3, saturation ×.5 to 1.5, and a colour cast of up to 5 %."""
    light = rgb.astype(np.float32) * rng.uniform(0.7, 1.3) * rng.uniform(0.95, 1.05, 3).astype(np.float32)
    light = (light - light.mean()) * rng.uniform(0.7, 1.3) + light.mean()
    grey = light.mean(axis=2, keepdims=True)
    return _to_uint8((light - grey) * rng.uniform(0.5, 1.5) + grey)


def blur(rgb: Bytes, rng: Generator) -> Bytes:
    """Gaussian blur of .3 to 2 pixels, or motion blur over 3 to 9 pixels in any direction."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.3, 2.0)), np.uint8)
    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), rng.uniform(0, 180), 1)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(rgb, -1, kernel / max(float(kernel.sum()), 1e-6)), np.uint8)


def shrink(rgb: Bytes, rng: Generator) -> Bytes:
    """Downscales to a third to nine tenths of the resolution, and back."""
    height, width = rgb.shape[:2]
    factor = rng.uniform(0.33, 0.9)
    small = cv2.resize(
        rgb, (max(8, int(width * factor)), max(8, int(height * factor))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def noise(rgb: Bytes, rng: Generator) -> Bytes:
    """Adds Gaussian noise with a standard deviation of 2 to 15 of 255, in each channel."""
    spread = np.float32(rng.uniform(2, 15))
    return _to_uint8(rgb + rng.standard_normal(rgb.shape, dtype=np.float32) * spread)


def jpeg(rgb: Bytes, rng: Generator) -> Bytes:
    """Compresses as a JPEG of quality 15 to 80."""
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 81))])
    worse = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(worse[..., ::-1])


def _random_zoom(rgb: Bytes, mask: Bytes, most: float, rng: Generator) -> Pair:
    """Crops up to `most` off each side of the picture."""
    if not most:
        return rgb, mask
    height, width = mask.shape
    tall = height - int(height * rng.uniform(0, most))
    wide = width - int(width * rng.uniform(0, most))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    window = (slice(top, top + tall), slice(left, left + wide))
    # A window without a subject would teach that there is none, contrary to the whole picture.
    return (rgb[window], mask[window]) if mask[window].any() else (rgb, mask)


def _random_crop(rgb: Bytes, mask: Bytes, config: TrainConfig, side: int, rng: Generator) -> Pair:
    """Resizes so that `side` has its share of `resize`, then crops at random."""
    full = max(side, round(side * config.resize / config.crop_min))
    top, left = (int(edge) for edge in rng.integers(full - side + 1, size=2))
    window = (slice(top, top + side), slice(left, left + side))
    # Plain bilinear samples, without anti-aliasing, as in inference (segmentation/shrink.py).
    size = (full, full)
    rgb = np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_LINEAR), np.uint8)
    mask = np.asarray(cv2.resize(np.ascontiguousarray(mask), size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return rgb[window], mask[window]


def _to_uint8(light: NDArray[np.float32]) -> Bytes:
    return np.asarray(np.rint(np.clip(light, 0, 255)), np.uint8)

"""Downscales a picture of any size to the network's 320×320 input.

`plain` is the authors' method in training and evaluation: bilinear samples at half-pixel centres, four source
pixels to a sample, no anti-aliasing. It reads 640 rows whatever the picture's size. `smooth` is anti-aliased.
`two-step` averages the picture down to the size of the training pictures and samples plainly from there, so
the network sees the sharpness it was trained on, and fine patterns of a large photo cannot alias. `auto` is
plain while four neighbours still cover most of the picture, and two-step beyond (measured: docs/accuracy.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 320
TRAINING_SIDE = (
    400  # pixels on the longer side of the pictures of DUTS, the training set of the published weights
)
SHRINK_METHODS = ("auto", "plain", "smooth", "two-step")

# ImageNet's statistics, in 0..1, red green blue: the authors' normalisation.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

Floats = NDArray[np.float32]


def _samples(length: int, extent: float) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """For each of SIZE samples along `extent` pixels, of which `length` exist, returns the indices of the two
    neighbours and the share of the second.
    """
    centres = (np.arange(SIZE, dtype=np.float64) + 0.5) * (extent / SIZE) - 0.5
    low = np.floor(centres)
    share = (centres - low).astype(np.float32)
    first = np.clip(low, 0, length - 1).astype(np.intp)
    second = np.clip(low + 1, 0, length - 1).astype(np.intp)
    return first, second, share


def _lerp(first: Floats, second: Floats, share: Floats) -> Floats:
    """Linear interpolation, first + share · (second - first); overwrites `second`."""
    second -= first
    second *= share
    second += first
    return second


def plain(rgb: NDArray[np.uint8], tall: float = 0, wide: float = 0) -> Floats:
    """H×W×3 uint8 -> 320×320×3 float32 in 0..255, bilinear without anti-aliasing.

    tall, wide: the whole picture's height and width in these pixels, when a fraction was cut off at the end.
    """
    top, bottom, down = _samples(rgb.shape[0], tall or rgb.shape[0])
    left, right, across = _samples(rgb.shape[1], wide or rgb.shape[1])
    # Copying whole rows is fast; picking single pixels comes after, on less data.
    rows = _lerp(rgb[top].astype(np.float32), rgb[bottom].astype(np.float32), down[:, None, None])
    return _lerp(np.take(rows, left, axis=1), np.take(rows, right, axis=1), across[None, :, None])


def smooth(rgb: NDArray[np.uint8]) -> Floats:
    """H×W×3 uint8 -> 320×320×3 float32, whole numbers in 0..255, anti-aliased."""
    # reducing_gap: averages whole boxes first when the picture is at least three times too large, which saves
    # most of the time.
    image = Image.fromarray(rgb).resize((SIZE, SIZE), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.array(image, dtype=np.float32)


def two_step(rgb: NDArray[np.uint8], half: NDArray[np.uint8] | None = None) -> Floats:
    """Like `plain`, after averaging down to TRAINING_SIDE pixels on the longer side if the picture is
    larger."""
    import cv2  # not at import: the web process reads SHRINK_METHODS

    height, width = (int(side) for side in rgb.shape[:2])
    scale: float = TRAINING_SIDE / max(height, width)
    if scale >= 1:
        return plain(rgb)

    def side(length: int) -> int:
        # A very long and thin picture keeps its shorter side.
        return max(round(length * scale), min(length, SIZE // 2))

    tall, wide = side(height), side(width)
    part, times = halved(rgb, tall, wide, half=half)
    averaged = np.asarray(cv2.resize(part, (wide, tall), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    # Account for the pixels dropped at the end of a side, so that the samples lie as if they existed.
    return plain(averaged, tall * height / (part.shape[0] * times), wide * width / (part.shape[1] * times))


def halved(
    picture: NDArray[np.uint8],
    tall: int,
    wide: int,
    least: float = 1.5,
    half: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.uint8], int]:
    """Halves a picture (H×W or H×W×3) while it stays at least `least` times as large as tall×wide. Returns it
    and the factor by which it shrank. half: the picture at half size (`half_of`), if already computed.
    """
    times = 1
    while min(picture.shape[0] / tall, picture.shape[1] / wide) >= 2 * least:
        picture = half if times == 1 and half is not None else half_of(picture)
        times *= 2
    return picture, times


def half_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a picture (H×W or H×W×3) at half its size, each pixel the mean of four. It must have at least
    2×2 pixels.

    This is OpenCV's fastest resize: two halvings take a sixth of the time of averaging with fractional areas.
    An odd last row or column is dropped.
    """
    import cv2  # not at import: the web process reads SHRINK_METHODS

    down, across = picture.shape[0] // 2, picture.shape[1] // 2
    whole = picture[: 2 * down, : 2 * across]
    return np.asarray(cv2.resize(whole, (across, down), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def auto(rgb: NDArray[np.uint8], half: NDArray[np.uint8] | None = None) -> Floats:
    """The best method measured: `plain` up to 4·SIZE pixels on the longer side, `two_step` above."""
    return plain(rgb) if max(rgb.shape[:2]) <= 4 * SIZE else two_step(rgb, half)


_SHRINKERS = {"plain": plain, "smooth": smooth}
_SHRINKERS_WITH_HALF = {"auto": auto, "two-step": two_step}


def network_input(
    rgb: NDArray[np.uint8], method: str = "auto", half: NDArray[np.uint8] | None = None
) -> Floats:
    """H×W×3 uint8 sRGB -> 3×320×320 float32, the network's normalised input.

    Divides by the downscaled picture's own maximum (as the authors do; a black picture stays black), then
    applies ImageNet's mean and deviation. method: one of SHRINK_METHODS; raises ValueError for another. half:
    the picture at half size (`half_of`), if already computed.
    """
    if method not in SHRINK_METHODS:
        raise ValueError(f"shrink method {method!r} is not one of {SHRINK_METHODS}")
    small: Floats = (
        _SHRINKERS_WITH_HALF[method](rgb, half) if method in _SHRINKERS_WITH_HALF else _SHRINKERS[method](rgb)
    )
    highest = max(float(small.max()), 1.0)
    planes = np.empty((3, SIZE, SIZE), dtype=np.float32)
    # Plane by plane: NumPy is slow when the last axis has three entries.
    for plane, colour, mean, deviation in zip(planes, range(3), MEAN, DEVIATION, strict=True):
        np.multiply(small[..., colour], np.float32(1 / (highest * deviation)), out=plane)
        plane -= np.float32(mean / deviation)
    return planes


def stretch(raw: Floats) -> Floats:
    """Stretches a raw map (H×W, 0..1) to reach 0 and 1, as the authors do; a constant map is unchanged."""
    low, high = float(raw.min()), float(raw.max())
    # Below this span a map holds only rounding noise, which stretching would turn into a picture.
    if high - low < 1e-5:
        return np.asarray(np.clip(raw, 0.0, 1.0), dtype=np.float32)
    return np.asarray((raw - low) / (high - low), dtype=np.float32)


def quantised(stretched: Floats) -> Floats:
    """Rounds a map down to the 256 steps that the authors store, so that clear background is exactly 0.

    Otherwise undecided pixels are half a step above the authors' maps (.0022 in the mean at worst instead of
    .0008).
    """
    return np.asarray(np.floor(stretched * 255.0) / 255.0, dtype=np.float32)

"""From a picture of any size to the 320×320 input of the network.

`plain` is how the network was trained and evaluated by its authors: bilinear samples at half-pixel centres,
four source pixels to a sample, no anti-aliasing. It reads 4·320² pixels whatever the picture's size, so it
takes the same millisecond at 50 megapixels. `smooth` is anti-aliased. `two-step` averages the picture down to
the size of the training's pictures and samples plainly from there, so the network sees the sharpness it was
trained on and the fine patterns of a large photo cannot alias. `auto` is plain while four neighbours still
reach most of the picture, two-step beyond (measured: docs/accuracy.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 320
TRAINED = 400  # pixels on the longer side of DUTS, on which the published weights were trained
WAYS = ("auto", "plain", "smooth", "two-step")

# ImageNet's statistics, in 0..1, red green blue: the authors normalised with them.
_MEAN = np.array((0.485, 0.456, 0.406), dtype=np.float32)
_DEVIATION = np.array((0.229, 0.224, 0.225), dtype=np.float32)


def _samples(length: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each of SIZE samples along a side: the two neighbours and the share of the second."""
    centres = (np.arange(SIZE, dtype=np.float64) + 0.5) * (length / SIZE) - 0.5
    low = np.floor(centres)
    share = (centres - low).astype(np.float32)
    first = np.clip(low, 0, length - 1).astype(np.intp)
    second = np.clip(low + 1, 0, length - 1).astype(np.intp)
    return first, second, share


def plain(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """H×W×3 uint8 -> 320×320×3 float32 in 0..255, bilinear without anti-aliasing."""
    top, bottom, down = _samples(rgb.shape[0])
    left, right, across = _samples(rgb.shape[1])

    def sampled(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        a = rgb[rows[:, None], left].astype(np.float32)
        b = rgb[rows[:, None], right].astype(np.float32)
        return np.asarray(a + (b - a) * across[None, :, None], dtype=np.float32)

    upper, lower = sampled(top), sampled(bottom)
    return np.asarray(upper + (lower - upper) * down[:, None, None], dtype=np.float32)


def smooth(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """H×W×3 uint8 -> 320×320×3 float32 in 0..255 whole steps, anti-aliased."""
    # reducing_gap: whole boxes first where the picture is at least three times too large; it saves most of
    # the time.
    image = Image.fromarray(rgb).resize((SIZE, SIZE), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.array(image, dtype=np.float32)


def two_step(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Like `plain`, after averaging down to TRAINED pixels on the longer side where the picture is larger."""
    import cv2  # not at import: the web process reads WAYS

    height, width = (int(side) for side in rgb.shape[:2])
    scale: float = TRAINED / max(height, width)
    if scale >= 1:
        return plain(rgb)

    def side(length: int) -> int:
        # A very long and thin picture keeps what it has across.
        return max(round(length * scale), min(length, SIZE // 2))

    averaged = cv2.resize(rgb, (side(width), side(height)), interpolation=cv2.INTER_AREA)
    return plain(np.asarray(averaged, dtype=np.uint8))


def auto(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The best measured: `plain` up to 4·SIZE pixels on the longer side, `two_step` above."""
    return plain(rgb) if max(rgb.shape[:2]) <= 4 * SIZE else two_step(rgb)


_SHRINKERS = {"auto": auto, "plain": plain, "smooth": smooth, "two-step": two_step}


def network_input(rgb: NDArray[np.uint8], way: str = "auto") -> NDArray[np.float32]:
    """H×W×3 uint8 sRGB -> 3×320×320 float32, as the network wants it.

    Divided by the shrunk picture's own maximum (the authors' way; a black picture stays black), then
    ImageNet's mean and deviation. way: one of WAYS; ValueError for another.
    """
    if way not in _SHRINKERS:
        raise ValueError(f"way of shrinking: {way!r}, not one of {WAYS}")
    small: NDArray[np.float32] = _SHRINKERS[way](rgb)
    small /= max(float(small.max()), 1.0)
    normal: NDArray[np.float32] = (small - _MEAN) / _DEVIATION
    return np.ascontiguousarray(normal.transpose(2, 0, 1))


def stretch(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """A raw map (H×W, 0..1) stretched to reach 0 and 1, as the authors do; a constant one stays as it is."""
    low, high = float(raw.min()), float(raw.max())
    # Below this span a map holds rounding noise only; stretched, the noise would become a picture.
    if high - low < 1e-5:
        return np.asarray(np.clip(raw, 0.0, 1.0), dtype=np.float32)
    return np.asarray((raw - low) / (high - low), dtype=np.float32)


def stepped(stretched: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map cut down to the 256 steps that the authors store: always downwards, so clear background is
    exactly 0.

    Without it every undecided pixel stands half a step above the authors' maps (.0022 in the mean at worst
    instead of .0008).
    """
    return np.asarray(np.floor(stretched * 255.0) / 255.0, dtype=np.float32)

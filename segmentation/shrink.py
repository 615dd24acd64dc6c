"""From a picture of any size to the 320×320 input of the network.

`plain` is how the network was trained and evaluated by its authors: bilinear samples at half-pixel centres,
four source pixels to a sample, no anti-aliasing. It reads 640 rows whatever the picture's size. `smooth` is
anti-aliased. `two-step` averages the picture down to the size of the training's pictures and samples plainly
from there, so the network sees the sharpness it was trained on and the fine patterns of a large photo cannot
alias. `auto` is plain while four neighbours still reach most of the picture, two-step beyond (measured:
docs/accuracy.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 320
TRAINED = 400  # pixels on the longer side of DUTS, on which the published weights were trained
WAYS = ("auto", "plain", "smooth", "two-step")

# ImageNet's statistics, in 0..1, red green blue: the authors normalised with them.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

Floats = NDArray[np.float32]


def _samples(length: int, extent: float) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """For each of SIZE samples along `extent` pixels, of which `length` are there: the two neighbours and the
    share of the second."""
    centres = (np.arange(SIZE, dtype=np.float64) + 0.5) * (extent / SIZE) - 0.5
    low = np.floor(centres)
    share = (centres - low).astype(np.float32)
    first = np.clip(low, 0, length - 1).astype(np.intp)
    second = np.clip(low + 1, 0, length - 1).astype(np.intp)
    return first, second, share


def _between(first: Floats, second: Floats, share: Floats) -> Floats:
    """first + share · (second - first), in the room of `second`."""
    second -= first
    second *= share
    second += first
    return second


def plain(rgb: NDArray[np.uint8], tall: float = 0, wide: float = 0) -> Floats:
    """H×W×3 uint8 -> 320×320×3 float32 in 0..255, bilinear without anti-aliasing.

    tall, wide: how many of its pixels the whole picture would have, where a fraction was cut off at the end.
    """
    top, bottom, down = _samples(rgb.shape[0], tall or rgb.shape[0])
    left, right, across = _samples(rgb.shape[1], wide or rgb.shape[1])
    # Whole rows are copied fast; what is picked pixel by pixel is small by then.
    rows = _between(rgb[top].astype(np.float32), rgb[bottom].astype(np.float32), down[:, None, None])
    return _between(np.take(rows, left, axis=1), np.take(rows, right, axis=1), across[None, :, None])


def smooth(rgb: NDArray[np.uint8]) -> Floats:
    """H×W×3 uint8 -> 320×320×3 float32 in 0..255 whole steps, anti-aliased."""
    # reducing_gap: whole boxes first where the picture is at least three times too large; it saves most of
    # the time.
    image = Image.fromarray(rgb).resize((SIZE, SIZE), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.array(image, dtype=np.float32)


def two_step(rgb: NDArray[np.uint8], half: NDArray[np.uint8] | None = None) -> Floats:
    """Like `plain`, after averaging down to TRAINED pixels on the longer side where the picture is larger."""
    import cv2  # not at import: the web process reads WAYS

    height, width = (int(side) for side in rgb.shape[:2])
    scale: float = TRAINED / max(height, width)
    if scale >= 1:
        return plain(rgb)

    def side(length: int) -> int:
        # A very long and thin picture keeps what it has across.
        return max(round(length * scale), min(length, SIZE // 2))

    tall, wide = side(height), side(width)
    part, times = halved(rgb, tall, wide, half=half)
    averaged = np.asarray(cv2.resize(part, (wide, tall), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    # What was left out at the end of a side: the samples are laid as if it were there.
    return plain(averaged, tall * height / (part.shape[0] * times), wide * width / (part.shape[1] * times))


def halved(
    picture: NDArray[np.uint8],
    tall: int,
    wide: int,
    least: float = 1.5,
    half: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.uint8], int]:
    """A picture (H×W or H×W×3) on its way to tall×wide, halved while it stays `least` times as large, and how
    much smaller it is now. half: what `half_of` made of it, where that is at hand.
    """
    times = 1
    while min(picture.shape[0] / tall, picture.shape[1] / wide) >= 2 * least:
        picture = half if times == 1 and half is not None else half_of(picture)
        times *= 2
    return picture, times


def half_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H×W or H×W×3) at half its size, each pixel the mean of four; at least 2×2 pixels are needed.

    That is what OpenCV does fastest: twice takes a sixth of the time of averaging with shares. A pixel at
    the end of a side that has no other is left out.
    """
    import cv2  # not at import: the web process reads WAYS

    down, across = picture.shape[0] // 2, picture.shape[1] // 2
    whole = picture[: 2 * down, : 2 * across]
    return np.asarray(cv2.resize(whole, (across, down), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def auto(rgb: NDArray[np.uint8], half: NDArray[np.uint8] | None = None) -> Floats:
    """The best measured: `plain` up to 4·SIZE pixels on the longer side, `two_step` above."""
    return plain(rgb) if max(rgb.shape[:2]) <= 4 * SIZE else two_step(rgb, half)


_SHRINKERS = {"plain": plain, "smooth": smooth}
_BY_HALVES = {"auto": auto, "two-step": two_step}


def network_input(rgb: NDArray[np.uint8], way: str = "auto", half: NDArray[np.uint8] | None = None) -> Floats:
    """H×W×3 uint8 sRGB -> 3×320×320 float32, as the network wants it.

    Divided by the shrunk picture's own maximum (the authors' way; a black picture stays black), then
    ImageNet's mean and deviation. way: one of WAYS; ValueError for another. half: what `half_of` made of the
    picture, where that is at hand.
    """
    if way not in WAYS:
        raise ValueError(f"way of shrinking: {way!r}, not one of {WAYS}")
    small: Floats = _BY_HALVES[way](rgb, half) if way in _BY_HALVES else _SHRINKERS[way](rgb)
    highest = max(float(small.max()), 1.0)
    planes = np.empty((3, SIZE, SIZE), dtype=np.float32)
    # By planes: NumPy is slow where the last axis has three entries.
    for plane, colour, mean, deviation in zip(planes, range(3), MEAN, DEVIATION, strict=True):
        np.multiply(small[..., colour], np.float32(1 / (highest * deviation)), out=plane)
        plane -= np.float32(mean / deviation)
    return planes


def stretch(raw: Floats) -> Floats:
    """A raw map (H×W, 0..1) stretched to reach 0 and 1, as the authors do; a constant one stays as it is."""
    low, high = float(raw.min()), float(raw.max())
    # Below this span a map holds rounding noise only; stretched, the noise would become a picture.
    if high - low < 1e-5:
        return np.asarray(np.clip(raw, 0.0, 1.0), dtype=np.float32)
    return np.asarray((raw - low) / (high - low), dtype=np.float32)


def stepped(stretched: Floats) -> Floats:
    """A map cut down to the 256 steps that the authors store: always downwards, so clear background is
    exactly 0.

    Without it every undecided pixel stands half a step above the authors' maps (.0022 in the mean at worst
    instead of .0008).
    """
    return np.asarray(np.floor(stretched * 255.0) / 255.0, dtype=np.float32)

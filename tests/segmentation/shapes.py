"""Synthetic pictures with a known matte: a soft disk of one colour in front of another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def disk(height: int, width: int, radius: float, soft: float) -> NDArray[np.float64]:
    """A centred disk, 1 inside, falling to 0 over `soft` pixels."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    return np.clip((radius - distance) / soft + 0.5, 0, 1)


def photo(alpha: NDArray[np.float64], subject: tuple[int, int, int], ground: tuple[int, int, int]) -> Bytes:
    """Returns the mixture of two colours by alpha, as bytes."""
    mixed = alpha[..., None] * np.array(subject) + (1 - alpha[..., None]) * np.array(ground)
    return np.rint(mixed).astype(np.uint8)

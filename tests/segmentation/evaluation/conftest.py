"""Synthetic pictures for the metrics: exact, small, and difficult ones."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def disc(height: int, width: int, y: float, x: float, radius: float) -> NDArray[np.uint8]:
    """A white disc on black, H×W uint8."""
    rows, columns = np.ogrid[:height, :width]
    return np.where((rows - y) ** 2 + (columns - x) ** 2 <= radius**2, 255, 0).astype(np.uint8)


@pytest.fixture(scope="session")
def random_pair() -> Callable[[int], Pair]:
    """`random_pair(seed)` -> (prediction, truth): a blurred, shifted, noisy disc against a clean one."""

    def one(seed: int) -> Pair:
        dice = np.random.default_rng(seed)
        height, width = (int(n) for n in dice.integers(24, 90, 2))
        y, x, radius = dice.uniform(0, height), dice.uniform(0, width), dice.uniform(4, 30)
        truth = disc(height, width, y, x, radius)
        truth[int(y) % height, int(x) % width] = 255
        blurred = cv2.GaussianBlur(disc(height, width, y + 2, x - 1, radius * 1.1), (0, 0), 3).astype(
            np.float64
        )
        noisy = blurred + dice.normal(0, 12, blurred.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8), truth

    return one

"""A small data set drawn by the tests: discs and boxes on noise."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


def draw(number: int, side: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Returns a picture and its truth; the same for the same number."""
    rng = np.random.default_rng(number)
    rgb = rng.integers(0, 90, (side, side, 3), dtype=np.uint8)
    mask = np.zeros((side, side), np.uint8)
    centre = tuple(int(v) for v in rng.integers(side // 3, 2 * side // 3, 2))
    if number % 2:
        cv2.circle(mask, centre, side // 5, 255, -1)
    else:
        cv2.rectangle(mask, (centre[0] - 8, centre[1] - 6), (centre[0] + 8, centre[1] + 6), 255, -1)
    rgb[mask > 0] = rng.integers(160, 255, 3)
    return rgb, mask


def write_pairs(folder: Path, count: int, first: int = 0) -> Path:
    """Writes `count` pairs as PNG files in im/ and gt/ of a folder."""
    for name in ("im", "gt"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        rgb, mask = draw(number)
        cv2.imwrite(str(folder / "im" / f"p{number:03d}.png"), rgb[..., ::-1])
        cv2.imwrite(str(folder / "gt" / f"p{number:03d}.png"), mask)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve pairs."""
    return write_pairs(tmp_path / "data", 12)

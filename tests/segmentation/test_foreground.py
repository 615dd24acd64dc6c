"""Foreground colours: the subject's own where it is half covered, the picture's elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.foreground import estimate
from tests.segmentation.shapes import disk, photo

SUBJECT, GROUND = (200, 40, 30), (20, 60, 180)


@pytest.mark.parametrize("size", [(300, 400), (1700, 1200)])
def test_a_soft_edge_shows_the_subjects_colour(size: tuple[int, int]) -> None:
    truth = disk(*size, 0.3 * size[0], 12)
    rgb = photo(truth, SUBJECT, GROUND)
    alpha = np.rint(truth * 255).astype(np.uint8)
    colours = estimate(rgb, alpha)
    half = (alpha > 25) & (alpha < 255)
    assert np.abs(colours[half].astype(int) - SUBJECT).mean() < 4
    assert np.abs(rgb[half].astype(int) - SUBJECT).mean() > 40, "the photo itself is mixed there"


def test_sure_pixels_keep_the_pictures_bytes() -> None:
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    alpha = rng.choice(np.array([0, 255, 128], np.uint8), (60, 80))
    colours = estimate(rgb, alpha)
    sure = alpha != 128
    np.testing.assert_array_equal(colours[sure], rgb[sure])


@pytest.mark.parametrize("value", [0, 1, 128, 254, 255])
def test_a_matte_of_one_value(value: int) -> None:
    rgb = np.full((9, 11, 3), (10, 200, 90), np.uint8)
    colours = estimate(rgb, np.full((9, 11), value, np.uint8))
    assert np.abs(colours.astype(int) - rgb).max() <= 1


def test_the_picture_is_not_written_to() -> None:
    rgb = np.full((8, 8, 3), 100, np.uint8)
    rgb.setflags(write=False)
    alpha = np.full((8, 8), 100, np.uint8)
    alpha.setflags(write=False)
    assert estimate(rgb, alpha) is not rgb

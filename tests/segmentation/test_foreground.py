"""Foreground colours: the subject's own where it is half-transparent, the picture's elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation import foreground
from segmentation.foreground import estimate
from segmentation.tiles import tiles
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


def test_opaque_and_transparent_pixels_keep_the_pictures_bytes() -> None:
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    alpha = rng.choice(np.array([0, 255, 128], np.uint8), (60, 80))
    colours = estimate(rgb, alpha)
    sure = alpha != 128
    np.testing.assert_array_equal(colours[sure], rgb[sure])


@pytest.mark.parametrize("value", [0, 1, 128, 254, 255])
def test_a_uniform_matte(value: int) -> None:
    rgb = np.full((9, 11, 3), (10, 200, 90), np.uint8)
    colours = estimate(rgb, np.full((9, 11), value, np.uint8))
    assert np.abs(colours.astype(int) - rgb).max() <= 1


def test_the_picture_is_not_modified() -> None:
    rgb = np.full((8, 8, 3), 100, np.uint8)
    rgb.setflags(write=False)
    alpha = np.full((8, 8), 100, np.uint8)
    alpha.setflags(write=False)
    assert estimate(rgb, alpha) is not rgb


# OpenCV treats four rows of one pixel as a scalar.
@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (4, 4), (130, 257)])
def test_the_correction_is_the_formula_for_each_pixel(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    rgb = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    alpha = rng.integers(1, 255, size, dtype=np.uint8)
    near, far = foreground._averages(rgb, alpha)
    (whole,) = tiles(size[::-1], near.shape[1::-1], max(size))
    near, far, share = whole.enlarged(near), whole.enlarged(far), alpha[..., None] / 255
    wanted = near + share * (rgb - far - share * (near - far))
    assert np.abs(estimate(rgb, alpha) - np.clip(wanted, 0, 255)).max() < 0.501


def test_in_place_gives_the_same_colours() -> None:
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 256, (300, 270, 3), dtype=np.uint8)
    alpha = rng.choice(np.array([0, 90, 180, 255], np.uint8), (300, 270))
    beside = estimate(rgb, alpha)
    fixed = rgb.copy()
    fixed.flags.writeable = False
    np.testing.assert_array_equal(estimate(fixed, alpha, in_place=True), beside)
    assert estimate(rgb, alpha, in_place=True) is rgb
    np.testing.assert_array_equal(rgb, beside)

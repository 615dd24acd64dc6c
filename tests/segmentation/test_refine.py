"""Refinement: the enlarged map when it is off, edges that follow the picture when it is on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.edges import fit, fit_size
from segmentation.errors import RecipeError
from segmentation.matting import _windows
from segmentation.refine import enlarge, refine
from tests.segmentation.shapes import disk, photo

RED, BLUE = (200, 40, 30), (20, 60, 180)


def test_off_is_the_map_enlarged_bilinearly() -> None:
    coarse = np.array([[0, 1], [0.5, 0.25]], np.float32)
    # Half-pixel centres: the targets sample at -1/4, 1/4, 3/4 and 5/4 of the source, clamped at its edges.
    share = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    np.testing.assert_array_equal(enlarge(coarse, 4, 4), np.rint(255 * share @ coarse @ share.T))
    rgb = np.zeros((4, 4, 3), np.uint8)
    np.testing.assert_array_equal(refine(coarse, rgb, "off"), enlarge(coarse, 4, 4))


def test_off_at_the_maps_own_size_is_the_map() -> None:
    coarse = np.linspace(0, 1, 320 * 320, dtype=np.float32).reshape(320, 320)
    np.testing.assert_array_equal(enlarge(coarse, 320, 320), np.rint(coarse * 255).astype(np.uint8))


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(RecipeError) as refused:
        refine(np.zeros((320, 320), np.float32), np.zeros((4, 4, 3), np.uint8), "slow")
    assert (refused.value.code, refused.value.field) == ("invalid_refine", "refine")


@pytest.mark.parametrize("level", ["fast", "best"])
@pytest.mark.parametrize(("height", "width"), [(400, 600), (1300, 1100)])
def test_a_blurred_map_recovers_the_edge(level: str, height: int, width: int) -> None:
    truth = disk(height, width, 0.3 * height, 3)
    rgb = photo(truth, RED, BLUE)
    coarse = cv2.resize(truth.astype(np.float32), (320, 320), interpolation=cv2.INTER_AREA)
    coarse = np.asarray(cv2.GaussianBlur(coarse, (0, 0), 4), np.float32)
    band = np.abs(truth - 0.5) < 0.5
    band = cv2.dilate(band.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0

    def error(level: str) -> float:
        return float(np.abs(refine(coarse, rgb, level) / 255 - truth)[band].mean())

    assert error(level) < 0.2 * error("off")
    matte = refine(coarse, rgb, level)
    assert matte[height // 2, width // 2] == 255
    assert matte[0, 0] == 0


@pytest.mark.parametrize(("level", "most"), [("fast", 1.5), ("best", 4.0)])
def test_without_colour_differences_the_map_is_kept(level: str, most: float) -> None:
    truth = disk(320, 320, 90, 8).astype(np.float32)
    rgb = np.full((320, 320, 3), 128, np.uint8)
    difference = refine(truth, rgb, level).astype(float) - truth * 255
    assert np.abs(difference).mean() < most


@pytest.mark.parametrize("level", ["fast", "best"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_uniform_map_is_unchanged(level: str, value: float) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    matte = refine(np.full((320, 320), value, np.float32), rgb, level)
    assert matte.shape == (90, 120)
    assert np.unique(matte).tolist() == [round(255 * value)]


@pytest.mark.parametrize("level", ["off", "fast", "best"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2), (7, 900)])
def test_any_size_is_refined(level: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    rgb = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    matte = refine(rng.random((320, 320), dtype=np.float32), rgb, level)
    assert matte.shape == size
    assert matte.dtype == np.uint8


def test_black_and_white_noise_gives_finite_values() -> None:
    """Windows of two extreme colours: float32 alone would lose the determinant."""
    rng = np.random.default_rng(11)
    rgb = np.repeat(rng.integers(0, 2, (200, 200, 1), dtype=np.uint8) * 255, 3, axis=2)
    coarse = disk(320, 320, 100, 30).astype(np.float32)
    matte = refine(coarse, np.ascontiguousarray(rgb), "best")
    assert matte[100, 100] > 200
    assert matte[0, 0] < 50


def test_the_laplacian_is_symmetric_and_vanishes_on_lines_of_colour() -> None:
    rng = np.random.default_rng(5)
    rgb = rng.random((12, 15, 3), dtype=np.float32)
    windows = _windows(rgb)
    one, other = rng.random((2, 12, 15), dtype=np.float32)
    left = float(np.vdot(one, windows.laplacian(other)))
    right = float(np.vdot(windows.laplacian(one), other))
    assert left == pytest.approx(right, rel=1e-4)
    assert float(np.vdot(one, windows.laplacian(one))) > 0
    line = 0.3 * rgb[..., 0] - 0.2 * rgb[..., 2] + 0.4
    assert np.abs(windows.laplacian(np.asarray(line, np.float32))).max() < 1e-3


@given(st.integers(1, 20000), st.integers(1, 20000), st.integers(1, 4000))
@settings(deadline=None)
def test_fitting_keeps_the_ratio_and_never_enlarges(width: int, height: int, longest: int) -> None:
    w, h = fit_size(width, height, longest)
    assert 1 <= w <= width
    assert 1 <= h <= height
    assert max(w, h) == min(longest, max(width, height))
    assert abs(w * height - h * width) <= max(width, height)


def test_lines_are_fitted_only_near_edges() -> None:
    truth = disk(320, 320, 60, 3)
    lines = fit(truth.astype(np.float32), photo(truth, RED, BLUE))
    assert lines.base.shape == (320, 320)
    assert lines.trust.shape == (160, 160)
    assert lines.trust[80, 80] == 0
    assert lines.trust[2, 2] == 0
    assert lines.trust[80, 110] > 0.9

"""SAD, MSE, Grad, Conn and the band error on mattes that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from segmentation.evaluation import soft
from segmentation.evaluation.band import band_error, transition_band


def test_sums_are_in_thousands_but_means_are_not():
    found, truth = np.zeros((40, 50)), np.full((40, 50), 0.5)
    assert soft.sum_absolute_difference(found, truth) == 1.0
    assert soft.mean_squared_error(found, truth) == 0.25


def test_gradient_of_a_ramp():
    """Across a ramp of slope s the two unit-norm filters return s·Σ x·slope(x)·Σ bell, the same everywhere
    inside.
    """
    ramp = np.tile(np.linspace(0, 1, 101), (60, 1))
    x = np.arange(-4, 5)
    bell = np.exp(-(x**2) / (2 * 1.4**2))
    slope = x * bell
    answer = 0.01 * (x @ slope) / np.linalg.norm(slope) * bell.sum() / np.linalg.norm(bell)
    magnitude = soft._gradient(ramp)
    np.testing.assert_allclose(magnitude[:, 4:-4], answer, rtol=1e-9)
    assert soft.gradient_error(ramp, ramp.T[:60, :60].copy().repeat(2, axis=1)[:, :101]) > 0
    assert soft.gradient_error(ramp, ramp) == 0
    assert soft.gradient_error(ramp, np.zeros_like(ramp)) == pytest.approx((magnitude**2).sum() / 1000)


def test_gradient_is_a_separable_correlation(random_pair):
    alpha = random_pair(3)[0] / 255
    x = np.arange(-4, 5)
    bell = np.exp(-(x**2) / (2 * 1.4**2))
    slope = x * bell
    bell, slope = bell / np.linalg.norm(bell), slope / np.linalg.norm(slope)
    across = correlate1d(correlate1d(alpha, slope, axis=1, mode="nearest"), bell, axis=0, mode="nearest")
    down = correlate1d(correlate1d(alpha, slope, axis=0, mode="nearest"), bell, axis=1, mode="nearest")
    np.testing.assert_allclose(soft._gradient(alpha), np.sqrt(across**2 + down**2), atol=1e-12)


def test_connectivity_of_an_island():
    """A distant island, predicted half-opaque where the truth is opaque.

    Neither is connected to the large part at any threshold, so its level is 0: connected by 1 − .5 = .5
    against 1 − 1 = 0, over 4 pixels, in thousands.
    """
    truth = np.zeros((10, 20))
    truth[2:8, 2:8] = 1.0
    truth[4:6, 15:17] = 1.0
    found = truth.copy()
    found[4:6, 15:17] = 0.5
    assert soft.connectivity_error(truth, truth) == 0
    assert soft.connectivity_error(found, truth) == pytest.approx(4 * 0.5 / 1000)


def test_connectivity_tolerates_a_connected_fringe():
    """A fringe that touches the subject: its level is .4 for both; .5 is only .1 above it, which is
    tolerated.
    """
    truth = np.zeros((10, 20))
    truth[2:8, 2:8] = 1.0
    truth[2:8, 8] = 0.4
    found = truth.copy()
    found[2:8, 8] = 0.5
    assert soft.connectivity_error(found, truth) == 0
    found[2:8, 8] = 0.75
    assert soft.connectivity_error(found, truth) == pytest.approx(6 * 0.35 / 1000)


def test_connectivity_without_a_source_region():
    truth, found = np.full((4, 5), 1.0), np.zeros((4, 5))
    assert soft.connectivity_error(found, truth) == pytest.approx(20 * 1.0 / 1000)


def test_band_is_the_transition_and_ten_pixels_around():
    truth = np.zeros((41, 41))
    truth[:, 21:] = 1.0
    truth[:, 20] = 0.5
    band = transition_band(truth)
    assert band[:, 10:31].all()
    assert band.sum() == 21 * 41
    found = truth.copy()
    found[:, 12] = 0.42
    found[:, 0] = 1.0  # outside the band: not counted
    assert band_error(found, truth) == pytest.approx(0.42 / 21)


def test_the_band_of_one_pixel_is_a_disc():
    truth = np.zeros((31, 31))
    truth[15, 15] = 0.5
    rows, columns = np.ogrid[-15:16, -15:16]
    np.testing.assert_array_equal(transition_band(truth), rows**2 + columns**2 <= 100)


def test_levels_at_the_limits_are_not_in_the_band():
    truth = np.array([[0.0, 0.02, 0.98, 1.0]])
    assert not transition_band(truth).any()
    assert np.isnan(band_error(truth, truth))

"""The relaxed boundary F on squares with countable edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from segmentation.evaluation.boundary import distance_to, edge, relaxed_boundary_f


def square(top, left, side=10, size=40):
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_an_edge_is_one_pixel_wide_and_inside():
    found = edge(square(5, 5, side=4))
    assert found.sum() == 12
    assert not found[6:8, 6:8].any()


def test_the_border_of_the_picture_is_not_an_edge():
    assert not edge(np.ones((6, 6), bool)).any()
    assert edge(square(0, 0, side=4)).sum() == 7


def test_edges_within_three_pixels_match():
    truth = square(10, 10)
    for shift, expected in ((0, 1.0), (3, 1.0)):
        assert relaxed_boundary_f(square(10, 10 + shift).astype(float), truth) == expected
    # Shifted by four, 12 of 36 edge pixels are out of reach: the far side's 8 and its 2 corners, 2 in the
    # middle of the near side.
    assert relaxed_boundary_f(square(10, 14).astype(float), truth) == pytest.approx(24 / 36)
    assert relaxed_boundary_f(square(10, 14).astype(float), truth, slack=4) == 1.0


def test_precision_counts_more_than_recall():
    truth = square(4, 4) | square(24, 24)
    assert relaxed_boundary_f(square(4, 4).astype(float), truth) == pytest.approx(1.3 * 0.5 / (0.3 + 0.5))
    assert relaxed_boundary_f(truth.astype(float), square(4, 4)) == pytest.approx(1.3 * 0.5 / (0.15 + 1))


def test_without_edges():
    nothing, all_of_it = np.zeros((9, 9)), np.ones((9, 9))
    assert relaxed_boundary_f(nothing, all_of_it.astype(bool)) == 1.0
    assert relaxed_boundary_f(nothing, square(1, 1, 4, 9)) == 0.0
    assert relaxed_boundary_f(square(1, 1, 4, 9).astype(float), nothing.astype(bool)) == 0.0
    assert relaxed_boundary_f(square(30, 30).astype(float), square(0, 0, side=6)) == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_distances_are_euclidean(seed):
    mask = np.random.default_rng(seed).random((50, 70)) > 0.99
    np.testing.assert_allclose(distance_to(mask), distance_transform_edt(~mask), rtol=1e-6)

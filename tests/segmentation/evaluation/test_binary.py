"""Binary metrics on pictures small enough to compute by hand."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.evaluation import binary
from segmentation.evaluation.arrays import as_mask, stretched
from segmentation.evaluation.structure import s_measure

TRUTH = np.array([[True, True, False, False]])
FOUND = np.array([[1.0, 0.5, 0.5, 0.0]])


def test_precision_and_recall_change_at_the_levels_of_the_matte():
    precision, recall = binary.precision_recall(FOUND, TRUTH)
    # Thresholds run 255, 254 … 0: 255 includes only the first pixel, 127 and below also the two halves, and 0
    # everything.
    assert (precision[0], recall[0]) == (1.0, 0.5)
    assert (precision[255 - 127], recall[255 - 127]) == (pytest.approx(2 / 3), 1.0)
    assert (precision[255], recall[255]) == (0.5, 1.0)


def test_f_is_a_harmonic_mean_that_favours_precision():
    precision, recall = np.array([1.0, 2 / 3, 0.0]), np.array([0.5, 1.0, 0.0])
    expected = [1.3 * 0.5 / 0.8, 1.3 * (2 / 3) / 1.2, 0.0]
    np.testing.assert_allclose(binary.f_curve(precision, recall), expected)


def test_mean_absolute_error():
    assert binary.mean_absolute_error(FOUND, TRUTH) == 0.25


def test_intersection_over_union_includes_one_half():
    assert binary.intersection_over_union(FOUND, TRUTH.astype(float)) == pytest.approx(2 / 3)
    empty = np.zeros((2, 2))
    assert binary.intersection_over_union(empty, empty) == 1.0
    assert binary.intersection_over_union(empty, np.ones((2, 2))) == 0.0


def test_perfect_scores_one():
    found = TRUTH.astype(float)
    assert binary.weighted_f(found, TRUTH) == pytest.approx(1.0)
    assert s_measure(found, TRUTH) == pytest.approx(1.0)


def test_weighted_f_penalises_distant_errors_more():
    truth = np.zeros((40, 40), bool)
    truth[:10] = True
    near, far = truth.astype(float), truth.astype(float)
    near[12], far[35] = 1.0, 1.0
    assert binary.weighted_f(far, truth) < binary.weighted_f(near, truth) < 1.0


def test_s_measure_without_a_subject_is_the_share_not_predicted():
    found = np.full((3, 3), 0.25)
    assert s_measure(found, np.zeros((3, 3), bool)) == 0.75
    assert s_measure(found, np.ones((3, 3), bool)) == 0.25


def test_s_measure_with_empty_quadrants():
    """A subject in the last row and column puts the centre at the border: empty quadrants have no weight."""
    truth = np.zeros((4, 4), bool)
    truth[3, 3] = True
    value = s_measure(truth.astype(float), truth)
    assert value == pytest.approx(1.0, abs=1e-6)


def test_stretching_fills_the_range_but_keeps_a_flat_matte():
    np.testing.assert_allclose(stretched(np.array([[51, 102, 153]], np.uint8)), [[0, 0.5, 1]])
    np.testing.assert_array_equal(stretched(np.full((2, 2), 51, np.uint8)), np.full((2, 2), 0.2))


def test_truth_is_thresholded_above_128():
    np.testing.assert_array_equal(
        as_mask(np.array([[0, 128, 129, 255]], np.uint8)), [[False, False, True, True]]
    )

"""Compares our binary metrics with those of PySODMetrics, the field's reference implementation."""

from __future__ import annotations

import warnings

import numpy as np
import py_sod_metrics as reference
import pytest

from segmentation.evaluation import binary
from segmentation.evaluation.arrays import as_mask, stretched
from segmentation.evaluation.scores import average, score
from segmentation.evaluation.structure import s_measure

EXACT = 1e-9


def corners(name):
    """Predictions and truths on which formulas divide by zero."""
    flat = np.full((20, 30), 90, np.uint8)
    nothing, all_of_it = np.zeros_like(flat), np.full_like(flat, 255)
    one = nothing.copy()
    one[19, 29] = 255
    ramp = np.linspace(0, 255, 600).reshape(20, 30).astype(np.uint8)
    return {
        "flat prediction": (flat, one),
        "no subject": (ramp, nothing),
        "only subject": (ramp, all_of_it),
        "one pixel in the corner": (ramp, one),
        "perfect": (one, one),
        "inverse": (255 - one, one),
        "nothing found": (nothing, one),
        "truth at 128 is background": (ramp, np.where(ramp > 200, 129, 128).astype(np.uint8)),
    }[name]


CORNERS = (
    "flat prediction",
    "no subject",
    "only subject",
    "one pixel in the corner",
    "perfect",
    "inverse",
    "nothing found",
    "truth at 128 is background",
)


def theirs(measure, prediction, truth):
    measure.step(prediction, truth)
    return measure.get_results()


def fmeasure():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its replacement; we compare with its curves
        return reference.Fmeasure()


@pytest.mark.parametrize("case", [*range(12), *CORNERS])
def test_each_metric_matches_the_reference(random_pair, case):
    prediction, truth = random_pair(case) if isinstance(case, int) else corners(case)
    ours, mask = stretched(prediction), as_mask(truth)

    curves = binary.precision_recall(ours, mask)
    expected = theirs(fmeasure(), prediction, truth)
    np.testing.assert_allclose(curves.precision, expected["pr"]["p"], atol=EXACT)
    np.testing.assert_allclose(curves.recall, expected["pr"]["r"], atol=EXACT)
    np.testing.assert_allclose(binary.f_curve(*curves), expected["fm"]["curve"], atol=EXACT)

    assert binary.mean_absolute_error(ours, mask) == pytest.approx(
        theirs(reference.MAE(), prediction, truth)["mae"], abs=EXACT
    )
    assert binary.weighted_f(ours, mask) == pytest.approx(
        theirs(reference.WeightedFmeasure(), prediction, truth)["wfm"], abs=EXACT
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # theirs takes means of empty quadrants
        structure = theirs(reference.Smeasure(), prediction, truth)["sm"]
    if np.isnan(structure):  # theirs returns NaN when a quadrant of the picture is empty
        assert 0 <= s_measure(ours, mask) <= 1
    else:
        assert s_measure(ours, mask) == pytest.approx(structure, abs=EXACT)


def test_averages_match_the_reference_and_max_f_the_paper(random_pair):
    fm, mae, wfm, sm = fmeasure(), reference.MAE(), reference.WeightedFmeasure(), reference.Smeasure()
    ours = []
    for seed in range(8):
        prediction, truth = random_pair(seed)
        for measure in (fm, mae, wfm, sm):
            measure.step(prediction, truth)
        ours.append(score(prediction, truth, "binary", stem=str(seed), part="made"))
    values = average(ours, "made").values

    curve = fm.get_results()["pr"]
    precision, recall = curve["p"], curve["r"]
    with np.errstate(invalid="ignore"):
        best = np.nanmax(1.3 * precision * recall / (0.3 * precision + recall))
    assert values["maxF"] == pytest.approx(best, abs=EXACT)
    assert values["MAE"] == pytest.approx(mae.get_results()["mae"], abs=EXACT)
    assert values["wF"] == pytest.approx(wfm.get_results()["wfm"], abs=EXACT)
    assert values["Sm"] == pytest.approx(sm.get_results()["sm"], abs=EXACT)

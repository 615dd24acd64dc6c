"""Colours of cut-outs on red, green and blue, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.evaluation.colour import RED_GREEN_BLUE, colour_error, composite


def flat(colour, alpha):
    return np.full((2, 2, 3), colour, np.uint8), np.full((2, 2), alpha, np.uint8)


def test_half_grey_on_red():
    laid = composite(*flat(100, 51), (255, 0, 0))
    np.testing.assert_allclose(laid[0, 0], [0.2 * 100 + 0.8 * 255, 20, 20])


def test_equal_cutouts_have_no_error_and_an_empty_region_gives_nan():
    where = np.ones((2, 2), bool)
    assert colour_error(flat(9, 77), flat(9, 77), where) == 0
    assert np.isnan(colour_error(flat(9, 77), flat(9, 77), ~where))


def test_premultiplied_colours_count_as_errors():
    """rembg stores colour × alpha in a straight-alpha file: at half alpha a grey of 200 is stored as 100."""
    where = np.ones((2, 2), bool)
    error = colour_error(flat(100, 128), flat(200, 128), where)
    assert error == pytest.approx(100 * 128 / 255)


def test_a_wrong_alpha_counts_on_each_background():
    where = np.array([[True, False], [False, False]])
    error = colour_error(flat(0, 255), flat(0, 0), where)
    assert error == pytest.approx(255 / 3)
    assert error == pytest.approx(np.mean([np.mean(colour) for colour in RED_GREEN_BLUE]))

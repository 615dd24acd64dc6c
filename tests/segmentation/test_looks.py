"""One look, and one more in a mirror."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmentation.looks import joined, looks
from segmentation.pipeline import Pipeline
from segmentation.recipe import Recipe
from segmentation.refine import refine
from segmentation.shrink import network_input, stepped, stretch

ASTRONAUT = Path(__file__).resolve().parents[2] / "static" / "samples" / "astronaut.jpg"

ENTRY = np.arange(3 * 4 * 4, dtype=np.float32).reshape(3, 4, 4)


@pytest.mark.parametrize("level", ["off", "fast"])
def test_one_look_is_the_picture_itself(level: str) -> None:
    (only,) = looks(ENTRY, level)
    np.testing.assert_array_equal(only, ENTRY)
    np.testing.assert_array_equal(joined([ENTRY[0]]), ENTRY[0])


def test_best_looks_into_a_mirror_and_turns_the_answer_back() -> None:
    own, mirrored = looks(ENTRY, "best")
    np.testing.assert_array_equal(own, ENTRY)
    np.testing.assert_array_equal(mirrored[:, :, 0], ENTRY[:, :, 3])
    # A network that errs on neither side answers for both what it answers for one.
    np.testing.assert_array_equal(joined([own[1], mirrored[1]]), ENTRY[1])
    # What only one of them sees counts half.
    np.testing.assert_allclose(joined([np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)]), 0.5)


def test_specks_and_pinholes_of_the_map_are_none_of_the_matte() -> None:
    coarse = np.zeros((320, 320), np.float32)
    coarse[80:240, 80:240] = 1
    coarse[20:24, 20:24] = 0.6  # a speck
    coarse[150:153, 150:153] = 0.4  # a pinhole
    grey = np.full((320, 320, 3), 128, np.uint8)
    matte = refine(coarse, grey, "fast")
    assert matte[22, 22] < 128
    assert matte[151, 151] >= 128
    assert matte[100, 100] == 255


@pytest.mark.real
def test_the_best_matte_is_made_from_both_looks(pipeline: Pipeline) -> None:
    segmented = pipeline.segment(ASTRONAUT, Recipe(model="u2netp", refine="best"))
    rgb = segmented.picture.rgb
    entry = network_input(rgb)
    raws = [pipeline.predictor.raw(one[None])[0] for one in (entry, entry[:, :, ::-1].copy())]
    wanted = refine(stepped(stretch((raws[0] + raws[1][:, ::-1]) / 2)), rgb, "best")
    assert np.abs(segmented.matte.astype(int) - wanted).max() <= 1
    once = refine(stepped(stretch(raws[0])), rgb, "best")
    assert np.abs(segmented.matte.astype(int) - once).max() > 10

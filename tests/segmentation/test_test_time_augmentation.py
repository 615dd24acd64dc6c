"""Test-time augmentation: the picture alone, and with its mirror image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmentation.pipeline import Pipeline
from segmentation.recipe import Recipe
from segmentation.refine import refine
from segmentation.shrink import network_input, quantised, stretch
from segmentation.test_time_augmentation import augmented_inputs, merge_maps

ASTRONAUT = Path(__file__).resolve().parents[2] / "static" / "samples" / "astronaut.jpg"

ENTRY = np.arange(3 * 4 * 4, dtype=np.float32).reshape(3, 4, 4)


@pytest.mark.parametrize("level", ["off", "fast"])
def test_other_levels_use_the_picture_alone(level: str) -> None:
    (only,) = augmented_inputs(ENTRY, level)
    np.testing.assert_array_equal(only, ENTRY)
    np.testing.assert_array_equal(merge_maps([ENTRY[0]]), ENTRY[0])


def test_best_adds_the_mirror_image_and_flips_its_map_back() -> None:
    own, mirrored = augmented_inputs(ENTRY, "best")
    np.testing.assert_array_equal(own, ENTRY)
    np.testing.assert_array_equal(mirrored[:, :, 0], ENTRY[:, :, 3])
    # A network without asymmetric errors gives the same result for both as for one.
    sure = (ENTRY[1] > 24).astype(np.float32)
    np.testing.assert_array_equal(merge_maps([sure, sure[:, ::-1]]), sure)


def test_the_mirrored_map_counts_only_in_uncertain_zones() -> None:
    own = np.zeros((320, 320), np.float32)
    own[:, :160] = 1
    own[100:130, 20:50] = 0.5
    together = merge_maps([own, np.zeros((320, 320), np.float32)])
    assert together[115, 35] == pytest.approx(0.25)
    assert together[115, 15] == pytest.approx(0.5, abs=0.05)  # close to the uncertain zone
    assert together[300, 100] == 1
    assert together[115, 300] == 0


def test_specks_and_pinholes_of_the_map_are_removed() -> None:
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
def test_the_best_matte_uses_both_maps(pipeline: Pipeline) -> None:
    segmented = pipeline.segment(ASTRONAUT, Recipe(model="u2netp", refine="best"))
    rgb = segmented.picture.rgb
    entry = network_input(rgb)
    raws = [pipeline.predictor.raw(one[None])[0] for one in (entry, entry[:, :, ::-1].copy())]
    wanted = refine(quantised(stretch(merge_maps(raws))), rgb, "best")
    assert np.abs(segmented.matte.astype(int) - wanted).max() <= 1
    once = refine(quantised(stretch(raws[0])), rgb, "best")
    assert np.abs(segmented.matte.astype(int) - once).max() > 10

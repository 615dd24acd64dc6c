"""The picture at half size gives the same results whether it is passed in or computed again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from segmentation.compose import compose
from segmentation.foreground import estimate
from segmentation.pictures.types import DecodedPicture, PictureInfo
from segmentation.recipe import Recipe
from segmentation.refine import refine
from segmentation.shrink import half_of, network_input
from tests.segmentation.shapes import disk, photo

SIZES = [(1301, 1703), (1300, 1701), (1281, 1281)]


def picture(size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    truth = disk(*size, 0.3 * size[0], 12)
    return photo(truth, (200, 40, 30), (20, 60, 180)), disk(320, 320, 90, 5).astype(np.float32)


def decoded(rgb: NDArray[np.uint8]) -> DecodedPicture:
    return DecodedPicture(rgb, None, PictureInfo("png", rgb.shape[1], rgb.shape[0], "image/png", "png"))


def test_each_pixel_is_the_mean_of_four_and_an_odd_one_is_dropped() -> None:
    rgb = np.zeros((3, 5, 3), np.uint8)
    rgb[:2, :2, 0] = [[10, 20], [30, 40]]
    rgb[2] = rgb[:, 4] = 255
    np.testing.assert_array_equal(half_of(rgb), [[[25, 0, 0], [0, 0, 0]]])


@pytest.mark.parametrize("size", SIZES)
def test_a_precomputed_half_size_gives_identical_results(size: tuple[int, int]) -> None:
    rgb, coarse = picture(size)
    half = decoded(rgb).half_size
    assert half is not None
    assert half.shape == (size[0] // 2, size[1] // 2, 3)
    for way in ("auto", "plain", "smooth", "two-step"):
        np.testing.assert_array_equal(network_input(rgb, way, half), network_input(rgb, way))
    matte = refine(coarse, rgb, "fast")
    np.testing.assert_array_equal(refine(coarse, rgb, "fast", half), matte)
    np.testing.assert_array_equal(estimate(rgb, matte, half), estimate(rgb, matte))


def test_the_half_size_is_not_used_for_a_crop() -> None:
    rgb, coarse = picture(SIZES[0])
    half, matte = half_of(rgb), refine(coarse, rgb, "fast")
    # Cropped to the subject and enlarged to exactly the source's size.
    for fields in ({"crop": True, "size": "1703x1301"}, {"size": "851x650"}, {}):
        recipe = Recipe.parse(fields)
        colours, wanted = compose(rgb, matte, recipe, None, half)[0], compose(rgb, matte, recipe)[0]
        assert colours is not None
        assert wanted is not None
        np.testing.assert_array_equal(colours, wanted)


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1280, 1280), (1, 1)])
def test_small_pictures_have_no_half_size(size: tuple[int, int]) -> None:
    assert decoded(np.zeros((*size, 3), np.uint8)).half_size is None

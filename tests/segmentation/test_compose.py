"""Composites: exact pixels of each kind of background, layout and shadow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segmentation.compose import compose
from segmentation.errors import RecipeError
from segmentation.layers import over, resized, to_linear, to_srgb
from segmentation.recipe import PRESETS, Recipe
from tests.segmentation.shapes import Bytes, disk, photo

ORANGE, GREEN = (230, 120, 10), (10, 130, 60)


def square() -> tuple[Bytes, Bytes]:
    """A 40×60 green photo with an orange square at x 20..40, y 10..30, and its binary matte."""
    truth = np.zeros((40, 60))
    truth[10:30, 20:40] = 1
    return photo(truth, ORANGE, GREEN), np.rint(255 * truth).astype(np.uint8)


def made(backdrop: Bytes | None = None, **fields: object) -> tuple[Bytes, Bytes | None]:
    colours, alpha = compose(*square(), Recipe.parse(fields), backdrop)
    assert colours is not None
    return colours, alpha


def test_the_default_is_the_cut_out() -> None:
    rgb, matte = square()
    colours, alpha = made()
    np.testing.assert_array_equal(alpha, matte)
    np.testing.assert_array_equal(colours[matte == 255], rgb[matte == 255])


def test_the_matte_alone() -> None:
    rgb, matte = square()
    assert compose(rgb, matte, Recipe(channels="alpha"))[0] is None
    np.testing.assert_array_equal(compose(rgb, matte, Recipe(channels="alpha"))[1], matte)
    cropped = compose(rgb, matte, Recipe(channels="alpha", crop=True))[1]
    np.testing.assert_array_equal(cropped, np.full((20, 20), 255, np.uint8))


def test_a_colour_background() -> None:
    colours, alpha = made(background="#102030")
    assert alpha is None
    assert colours[0, 0].tolist() == [16, 32, 48]
    assert colours[20, 30].tolist() == list(ORANGE)


def test_half_transparent_pixels_are_mixed_in_srgb() -> None:
    rgb = np.full((4, 4, 3), 200, np.uint8)
    matte = np.full((4, 4), 51, np.uint8)  # a fifth
    colours, _ = compose(rgb, matte, Recipe.parse({"background": "#000", "refine": "off"}))
    assert colours is not None
    assert np.unique(colours).tolist() == [40]


def test_a_half_transparent_colour_keeps_its_alpha() -> None:
    colours, alpha = made(background="#ff000080")
    assert alpha is not None
    assert (alpha[0, 0], alpha[20, 30]) == (128, 255)
    assert colours[0, 0].tolist() == [255, 0, 0]


def test_jpeg_flattens_on_white() -> None:
    colours, alpha = made(background="#ff000080", format="jpeg")
    assert alpha is None
    assert colours[0, 0].tolist() == [255, 127, 127]
    assert made(format="jpeg")[0][0, 0].tolist() == [255, 255, 255]


def test_a_linear_gradient_goes_corner_to_corner_in_linear_light() -> None:
    colours, _ = made(background="linear:#000,#fff,90")
    row = colours[0, :, 0].astype(int)
    assert row[0] < 30
    assert row[-1] > 250
    assert (np.diff(row) >= 0).all()
    # Half the light is sRGB 188.
    assert abs(int(colours[0, 29, 0]) - 188) <= 2
    upwards, _ = made(background="linear:#f00,#00f,0")
    assert upwards[-1, 0, 0] > upwards[0, 0, 0]


def test_a_radial_gradient_starts_in_the_middle() -> None:
    rgb, _ = square()
    colours, _ = compose(rgb, np.zeros((40, 60), np.uint8), Recipe.parse({"background": "radial:#fff,#000"}))
    assert colours is not None
    assert colours[20, 30, 0] > 250
    assert colours[0, 0, 0] < 40


def test_a_picture_background_covers() -> None:
    backdrop = np.zeros((40, 120, 3), np.uint8)
    backdrop[:, 30:90] = (1, 2, 3)
    colours, alpha = made(backdrop, background="picture:x")
    assert alpha is None
    assert np.unique(colours[:5].reshape(-1, 3), axis=0).tolist() == [[1, 2, 3]], (
        "its middle, uncut in height"
    )


def test_a_picture_background_is_contained() -> None:
    backdrop = np.full((10, 30, 3), 77, np.uint8)
    colours, alpha = made(backdrop, background="picture:contain,#0f0:x")
    assert alpha is None
    assert colours[0, 0].tolist() == [0, 255, 0]
    assert colours[10, 0].tolist() == [77, 77, 77]
    _, open_alpha = made(backdrop, background="picture:contain:x")
    assert open_alpha is not None
    assert (open_alpha[0, 0], open_alpha[10, 0]) == (0, 255)


def test_a_missing_background_picture_is_an_error() -> None:
    with pytest.raises(RecipeError) as refused:
        made(background="picture:x")
    assert (refused.value.code, refused.value.field) == ("missing_background", "background")


def test_a_blurred_background_has_no_halo_of_the_subject() -> None:
    truth = disk(200, 300, 60, 2)
    rgb, matte = photo(truth, ORANGE, GREEN), np.rint(255 * truth).astype(np.uint8)
    colours, alpha = compose(rgb, matte, Recipe.parse({"background": "blur:15"}))
    assert colours is not None
    assert alpha is None
    assert np.abs(colours[matte == 0].astype(int) - GREEN).max() <= 3
    assert np.abs(colours[matte == 255].astype(int) - ORANGE).max() <= 1


def test_crop_scale_and_size_place_the_subject() -> None:
    colours, _ = made(crop=True, scale="50%", size="100x80", background="#fff", position="0% 100%")
    assert colours.shape == (80, 100, 3)
    assert colours[79, 0].tolist() == list(ORANGE)
    assert colours[41, 39].tolist() == list(ORANGE)
    assert colours[38, 20].tolist() == [255, 255, 255]
    assert colours[60, 42].tolist() == [255, 255, 255]


def test_a_drop_shadow_has_the_subjects_shape() -> None:
    colours, alpha = made(shadow="drop:opacity=40,blur=0,offset=5 3,colour=#00f")
    assert alpha is not None
    assert alpha[10 + 3, 40 + 4] == 102
    assert colours[13, 44].tolist() == [0, 0, 255]
    assert alpha[10, 44] == 0
    assert alpha[20, 30] == 255


def test_a_contact_shadow_lies_under_the_foot() -> None:
    _, alpha = made(shadow="contact:opacity=50,blur=1px")
    assert alpha is not None
    assert alpha[30, 30] > 0
    assert alpha[35:, :].max() == 0
    assert alpha[:28, :18].max() == 0


def test_shadows_darken_the_background() -> None:
    colours, alpha = made(background="#fff", shadow="drop:opacity=50,blur=0,offset=5 0")
    assert alpha is None
    assert colours[20, 42].tolist() == [127, 127, 127]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_compose(name: str) -> None:
    recipe = PRESETS[name].recipe
    colours, alpha = compose(*square(), recipe)
    assert (colours is None) == (recipe.channels == "alpha")
    assert (alpha is None) == (recipe.background.opaque and recipe.channels == "rgba")


def test_over_is_porter_duff() -> None:
    top, bottom = np.full((1, 1, 3), 200, np.uint8), np.full((1, 1, 3), 100, np.uint8)
    half = np.full((1, 1), 128, np.uint8)
    colours, alpha = over(top, half, bottom, half.copy())
    assert alpha is not None
    # 128 + 128·(127/255) = 192 of 255; (200·128 + 100·64) / 192 = 167
    assert (int(colours[0, 0, 0]), int(alpha[0, 0])) == (167, 192)


def test_linear_light_round_trips() -> None:
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_srgb(to_linear(every)), every)
    assert to_linear(every)[188] == pytest.approx(0.5029, abs=1e-4)


def test_without_semitransparency_pixels_are_opaque_or_transparent() -> None:
    alpha = np.array([[0, 60, 90, 128, 165, 200, 255]], np.uint8)
    rgb = np.full((1, 7, 3), 200, np.uint8)
    veil = compose(rgb, alpha, Recipe.parse({"refine": "off", "semitransparency": False}))[1]
    assert veil is not None
    assert veil.tolist() == [[0, 0, 0, 130, 255, 255, 255]]
    grey = compose(rgb, alpha, Recipe.parse({"channels": "alpha", "semitransparency": "false"}))[1]
    assert grey is not None
    assert grey.tolist() == veil.tolist()


def test_slight_downscaling_looks_like_averaging() -> None:
    x, y = np.meshgrid(np.arange(400), np.arange(300))
    wave = (127.5 + 60 * np.sin(x / 9) + 60 * np.cos(y / 7)).astype(np.uint8)
    exact = cv2.resize(wave, (360, 270), interpolation=cv2.INTER_AREA)
    assert np.abs(resized(wave, (360, 270)).astype(int) - exact).max() <= 2
    assert (
        resized(wave, (200, 150)).tolist()
        == cv2.resize(wave, (200, 150), interpolation=cv2.INTER_AREA).tolist()
    )


@pytest.mark.parametrize("fields", [{}, {"background": "blur:5"}, {"crop": True}, {"size": "30x20"}])
def test_the_source_is_overwritten_only_in_place(fields: dict[str, object]) -> None:
    truth = disk(80, 120, 25, 9)
    rgb, matte = photo(truth, ORANGE, GREEN), np.rint(255 * truth).astype(np.uint8)
    source, recipe = rgb.copy(), Recipe.parse(fields)
    wanted, alpha = compose(rgb, matte, recipe)
    assert wanted is not None
    np.testing.assert_array_equal(rgb, source)
    colours, same = compose(rgb, matte, recipe, in_place=True)
    assert colours is not None
    np.testing.assert_array_equal(colours, wanted)
    np.testing.assert_array_equal(same, alpha)

"""Binary mattes: two levels, and the optional alpha channel of opaque results."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.binary import binary
from segmentation.compose import compose
from segmentation.encode import encode
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe

RGB = np.full((40, 60, 3), 200, np.uint8)


def ramp(*levels: int) -> np.ndarray:
    """A matte whose columns have these levels, ten columns each."""
    return np.repeat(np.array([levels], np.uint8), 10, axis=1).repeat(40, axis=0)


def test_a_binary_matte_has_two_levels() -> None:
    found = binary(ramp(0, 60, 100, 154, 200, 255))
    assert set(np.unique(found)) == {0, 255}
    # 100 and 154 are equally far from 127: after the blur, the outline stays at their border.
    assert found[20].tolist() == [0] * 30 + [255] * 30


def test_the_threshold_is_127() -> None:
    assert binary(np.full((20, 20), 126, np.uint8)).max() == 0
    assert binary(np.full((20, 20), 127, np.uint8)).min() == 255


def test_details_narrower_than_three_pixels_are_removed() -> None:
    for width, stays in ((1, False), (2, False), (9, True)):
        alpha = np.zeros((40, 60), np.uint8)
        alpha[5:35, 30 : 30 + width] = 255
        assert binary(alpha).any() == stays, width


@pytest.mark.parametrize("size", [None, "30x20", "240x160"])
def test_the_result_has_two_levels_at_any_size(size: str | None) -> None:
    alpha = ramp(0, 60, 120, 140, 200, 255)
    for channels in ("rgba", "alpha"):
        recipe = Recipe.parse({"binary": True, "size": size, "channels": channels})
        veil = compose(RGB, alpha, recipe)[1]
        assert veil is not None
        assert set(np.unique(veil)) == {0, 255}


def test_an_opaque_result_has_an_alpha_channel_on_request() -> None:
    alpha = ramp(0, 60, 120, 140, 200, 255)
    for channels, kinds in (("rgba", 2), ("rgba-always", 6)):
        recipe = Recipe.parse({"background": "#f00", "channels": channels})
        rgb, veil = compose(RGB, alpha, recipe)
        data = encode(rgb, veil, "png").data
        assert data[25] == kinds, "the colour type in the head of the PNG"
    assert veil is not None
    assert veil.min() == 255


def test_fields_without_effect_do_not_change_the_digest() -> None:
    assert Recipe(channels="rgba-always") == Recipe()
    opaque = {"background": "#ff0000", "channels": "rgba-always"}
    for format in ("jpeg", "zip"):
        assert Recipe.parse({**opaque, "format": format}).channels == "rgba"
    assert Recipe.parse({**opaque, "format": "webp"}).channels == "rgba-always"
    assert Recipe(binary=True, semitransparency=False) == Recipe(binary=True)
    # Digests stored before this field existed stay valid.
    assert Recipe().digest == "e2d65df116c3f1007199f2d34cb4399787484465b2dec0684b0346ea1bfa8a49"
    assert Recipe(binary=True).digest != Recipe().digest
    with pytest.raises(RecipeError, match="binary is true or false"):
        Recipe.parse({"binary": "maybe"})

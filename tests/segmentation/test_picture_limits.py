"""Long sides: the same limit for all formats, whatever the pixel limit is."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentation import pictures
from segmentation.encode import FORMATS
from segmentation.errors import PictureError
from segmentation.pictures import Limits
from tests.segmentation.samples import pngs
from tests.segmentation.samples.rows import ROWS

ROOT = Path(__file__).parents[2]


def png_of(width: int, height: int) -> bytes:
    return pngs.SIGNATURE + pngs.header(width, height, 8, 2) + ROWS["png rgb 8 bit"]().data[33:]


@pytest.mark.parametrize("limits", [Limits(), Limits(max_pixels=200_000_000)])
def test_a_panorama(limits: Limits) -> None:
    assert pictures.inspect(png_of(32_000, 1_000), limits).width == 32_000
    assert pictures.inspect(png_of(65_500, 700), limits).width == 65_500
    with pytest.raises(PictureError) as caught:
        pictures.inspect(png_of(65_501, 1), limits)
    assert caught.value.code == "too_large_side"


def test_the_documentation_states_the_limit() -> None:
    written = f"{Limits().max_side:,}"
    for name in ("pictures.md", "configuration.md", "api/moving-from-removebg.md"):
        assert written in (ROOT / "docs" / name).read_text("utf-8"), name


def test_a_result_may_have_the_longest_side() -> None:
    assert Limits().max_side <= FORMATS["jpeg"].max_side

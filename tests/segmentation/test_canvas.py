"""Placement of the subject: crop, margins, scale, position, size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segmentation.canvas import Placement, place, subject_box
from segmentation.compose import subject_position
from segmentation.errors import RecipeError
from segmentation.recipe import Length, Recipe, Size

SUBJECT = (20, 30, 60, 110)  # 40 wide, 80 high


def laid(**fields: object) -> Placement:
    return place(100, 200, SUBJECT, Recipe.parse(fields))


def test_subject_box() -> None:
    alpha = np.zeros((9, 12), np.uint8)
    assert subject_box(alpha) == (0, 0, 12, 9), "nothing seen: all of it"
    alpha[3, 4] = 12
    assert subject_box(alpha) == (0, 0, 12, 9), "too faint"
    alpha[2:5, 6:8] = 13
    assert subject_box(alpha) == (6, 2, 8, 5)


def test_the_default_layout_changes_nothing() -> None:
    assert laid() == Placement((100, 200), (0, 0, 100, 200), (100, 200), (0, 0))


def test_crop_to_the_subject() -> None:
    assert laid(crop=True) == Placement((40, 80), SUBJECT, (40, 80), (0, 0))


def test_margins_may_reach_beyond_the_picture() -> None:
    # top 10 px, right 50 % of 40, bottom 0, left 30 px: ten more than available
    put = laid(crop=True, crop_margin="10px 50% 0 30px")
    assert put == Placement((90, 90), (0, 20, 80, 110), (80, 90), (10, 0))


def test_scale_measures_the_subject_against_the_canvas() -> None:
    put = laid(scale="20%")
    # 20 % of 100×200: the height 80 -> 40 fits, and so the width 40 -> 20
    assert put.canvas == (100, 200)
    assert put.drawn == (50, 100)
    assert put.corner == (round(40 - 20 * 0.5), round(80 - 30 * 0.5))


@pytest.mark.parametrize(
    ("position", "corner"),
    [("0%", (-20, -30)), ("100%", (40, 90)), ("0% 100%", (-20, 90)), ("center", (10, 30))],
)
def test_position_moves_the_subject(position: str, corner: tuple[int, int]) -> None:
    assert laid(position=position).corner == corner


def test_a_scaled_subject_may_keep_its_position() -> None:
    # Half as large, around its centre (40, 70).
    put = laid(scale="20%", position="original")
    assert (put.drawn, put.corner) == ((50, 100), (20, 35))
    assert put.on_canvas(SUBJECT) == (30, 50, 50, 90)
    # The picture fills 50×100 of the canvas, centred: there the subject's centre is (40, 35).
    put = laid(size="90x100", scale="25%", position="original")
    assert put.on_canvas(SUBJECT) == (34, 22, 47, 48)
    # With a crop the subject's own box is scaled.
    assert laid(crop=True, scale="50%", position="original") == laid(crop=True, scale="50%")
    # A subject that would extend beyond the edge (at -10) is shifted inwards just enough.
    put = laid(scale="100%", position="original")
    assert (put.canvas, put.on_canvas(SUBJECT)) == ((100, 200), (0, 0, 100, 200))
    put = laid(scale="80%", position="original")
    assert put.on_canvas(SUBJECT) == (0, 0, 80, 160)


def test_white_square_with_85_per_cent_fill() -> None:
    put = place(
        1000, 800, (100, 200, 500, 700), Recipe.parse({"crop": True, "scale": "85%", "size": "2000x2000"})
    )
    assert put.canvas == (2000, 2000)
    assert put.drawn == (1360, 1700)
    assert put.corner == (320, 150)


def test_a_megapixel_limit_never_enlarges() -> None:
    assert laid(size="1MP").canvas == (100, 200)
    put = laid(size="0.01MP")
    assert put.canvas == (70, 141)
    assert put.canvas[0] * put.canvas[1] <= 10_000


def test_exact_sizes() -> None:
    assert laid(size="300x300") == Placement((300, 300), (0, 0, 100, 200), (150, 300), (75, 0))
    assert laid(size="300x").canvas == (300, 600)
    assert laid(size="x50").canvas == (25, 50)


def test_a_canvas_beyond_the_limits_is_refused() -> None:
    with pytest.raises(RecipeError) as refused:
        place(10, 10000, (0, 0, 10, 10000), Recipe.parse({"size": "300x"}))
    assert (refused.value.code, refused.value.field) == ("result_too_large", "size")
    # A source that is this large itself is accepted.
    assert place(17000, 100, (0, 0, 9, 9), Recipe()).canvas == (17000, 100)


@pytest.mark.parametrize(
    ("fields", "box"),
    [
        ({}, SUBJECT),
        ({"size": "50x"}, (10, 15, 30, 55)),
        ({"crop": True}, (0, 0, 40, 80)),
        ({"crop": True, "crop_margin": "10px 50% 0 30px"}, (30, 10, 70, 90)),
        ({"position": "0%"}, (0, 0, 40, 80)),
        ({"scale": "20%"}, (40, 80, 60, 120)),
    ],
)
def test_subject_position_in_the_result(fields: dict[str, object], box: tuple[int, ...]) -> None:
    alpha = np.zeros((200, 100), np.uint8)
    alpha[30:110, 20:60] = 255
    assert subject_position(alpha, Recipe.parse(fields))[0] == box


def test_size_of_the_result_without_a_limit() -> None:
    alpha = np.zeros((200, 100), np.uint8)
    alpha[30:110, 20:60] = 255
    assert subject_position(alpha, Recipe.parse({"size": "0.01MP"}))[1] == (100, 200)
    assert subject_position(alpha, Recipe.parse({"size": "20x", "crop": True}))[1] == (40, 80)


sides = st.integers(1, 4000)
lengths = st.one_of(st.integers(0, 500).map(Length), st.floats(0, 50).map(lambda value: Length(value, "%")))
sizes = st.one_of(
    st.none(),
    st.integers(1, 400).map(lambda value: Size(megapixels=value / 100)),
    st.builds(lambda w, h: Size(width=w, height=h), st.integers(1, 3000), st.integers(1, 3000)),
)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[int, int, tuple[int, int, int, int], Recipe]:
    width, height = draw(sides), draw(sides)
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = (left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height)))
    recipe = Recipe(
        crop=draw(st.booleans()),
        crop_margin=(draw(lengths), draw(lengths), draw(lengths), draw(lengths)),
        scale=draw(st.one_of(st.none(), st.floats(1, 100))),
        position=draw(
            st.one_of(st.none(), st.just("original"), st.tuples(st.floats(0, 100), st.floats(0, 100)))
        ),
        size=draw(sizes),
    )
    return width, height, box, recipe


@given(layouts())
def test_every_layout_is_consistent(layout: tuple[int, int, tuple[int, int, int, int], Recipe]) -> None:
    width, height, box, recipe = layout
    put = place(width, height, box, recipe)
    left, top, right, bottom = put.region
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert min(*put.canvas, *put.drawn) >= 1
    if recipe.size and recipe.size.megapixels:
        assert put.canvas[0] * put.canvas[1] <= max(recipe.size.megapixels * 1e6, 1) or 1 in put.canvas
    if recipe.size and recipe.size.width and recipe.size.height:
        assert put.canvas == (recipe.size.width, recipe.size.height)


@given(layouts())
def test_a_scaled_subject_has_the_requested_size_and_stays_inside(
    layout: tuple[int, int, tuple[int, int, int, int], Recipe],
) -> None:
    width, height, box, recipe = layout
    assume(recipe.scale is not None)
    assert recipe.scale is not None
    put = place(width, height, box, recipe)
    scale = recipe.scale / 100 * min(put.canvas[0] / (box[2] - box[0]), put.canvas[1] / (box[3] - box[1]))
    x = put.corner[0] + (box[0] - put.region[0]) * scale
    y = put.corner[1] + (box[1] - put.region[1]) * scale
    assert x >= -1
    assert y >= -1
    assert x + (box[2] - box[0]) * scale <= put.canvas[0] + 1
    assert y + (box[3] - box[1]) * scale <= put.canvas[1] + 1

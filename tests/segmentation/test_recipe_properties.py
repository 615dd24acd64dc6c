"""Properties of recipes: each survives serialisation, digests distinguish them, invalid values are
rejected."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segmentation.errors import RecipeError
from segmentation.recipe import (
    CHANNELS,
    FORMATS,
    METADATA,
    REFINEMENTS,
    SHRINKS,
    Backdrop,
    Blurred,
    Colour,
    Gradient,
    Length,
    Plain,
    Recipe,
    Region,
    Shadow,
    Size,
    Transparent,
)

colours = st.builds(Colour, *[st.integers(0, 255)] * 4)
lengths = st.one_of(st.floats(0, 5000).map(Length), st.floats(0, 20).map(lambda value: Length(value, "%")))
blurs = st.one_of(st.floats(0, 1000).map(Length), st.floats(0, 20).map(lambda value: Length(value, "%")))
offsets = st.one_of(
    st.floats(-2000, 2000).map(Length), st.floats(-2, 100).map(lambda value: Length(value, "%"))
)
refs = st.from_regex(r"[!-~]([ -~]{0,40}[!-~])?", fullmatch=True).filter(
    lambda ref: ref.partition(":")[0].partition(",")[0].lower() not in ("cover", "contain")
)
backgrounds = st.one_of(
    st.just(Transparent()),
    colours.filter(lambda colour: colour.alpha > 0).map(Plain),
    st.builds(
        Gradient,
        st.sampled_from(["linear", "radial"]),
        st.lists(colours, min_size=2, max_size=8).map(tuple),
        st.floats(-720, 720),
    ),
    st.builds(
        Backdrop,
        refs,
        st.sampled_from(["cover", "contain"]),
        colours.map(lambda c: c if c.alpha else Colour(0, 0, 0, 0)),
    ),
    st.builds(Blurred, blurs),
)
shadows = st.one_of(
    st.none(),
    st.builds(
        Shadow,
        st.sampled_from(["drop", "contact"]),
        st.integers(1, 10000).map(lambda value: value / 100),
        blurs,
        st.tuples(offsets, offsets),
        colours.filter(lambda colour: colour.alpha > 0),
    ),
)
sizes = st.one_of(
    st.none(),
    st.integers(1, 10000).map(lambda value: Size(megapixels=value / 100)),
    st.builds(lambda w, h: Size(width=w, height=h), st.integers(1, 9000), st.integers(0, 9000)),
    st.builds(lambda h: Size(height=h), st.integers(1, 9000)),
)
parts = st.floats(0, 49).map(lambda value: Length(value, "%"))
far_parts = st.floats(50, 100).map(lambda value: Length(value, "%"))
recipes = st.builds(
    Recipe,
    model=st.sampled_from(["u2net", "u2netp", "my-own_weights.v2"]),
    refine=st.sampled_from(REFINEMENTS),
    shrink=st.sampled_from(SHRINKS),
    roi=st.one_of(st.none(), st.builds(Region, parts, parts, far_parts, far_parts)),
    crop=st.booleans(),
    crop_margin=st.tuples(lengths, lengths, lengths, lengths),
    scale=st.one_of(st.none(), st.floats(1, 100)),
    position=st.one_of(st.none(), st.just("original"), st.tuples(st.floats(0, 100), st.floats(0, 100))),
    background=backgrounds,
    shadow=shadows,
    semitransparency=st.booleans(),
    binary=st.booleans(),
    size=sizes,
    format=st.sampled_from([name for name in FORMATS if name != "zip"]),
    quality=st.one_of(st.none(), st.integers(1, 100)),
    metadata=st.sampled_from(METADATA),
    channels=st.sampled_from(CHANNELS),
)


@given(recipes)
def test_every_recipe_survives_json_and_forms(recipe: Recipe) -> None:
    through_json = Recipe.parse(json.loads(json.dumps(recipe.as_dict())))
    assert through_json == recipe
    assert through_json.digest == recipe.digest
    through_forms = Recipe.from_strings(recipe.as_strings())
    assert through_forms == recipe
    assert through_forms.as_strings() == recipe.as_strings()


@given(recipes, recipes)
def test_equal_digest_means_equal_recipe(one: Recipe, other: Recipe) -> None:
    assert (one.digest == other.digest) == (one == other)


# A fixed alphabet: Hypothesis needs seconds to build its tables of all of Unicode.
words = st.text("0123456789abcdefx%#:,. -+é\n", max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*Recipe().as_strings(), "version", "other"]), json_values, max_size=4)
)
def test_any_mapping_parses_or_is_refused_by_name(value: dict[str, Any]) -> None:
    try:
        recipe = Recipe.parse(value)
    except RecipeError as refused:
        assert refused.field in (*Recipe().as_strings(), "version", "other")  # noqa: PT017 # either outcome is right
    else:
        assert Recipe.parse(recipe.as_dict()) == recipe

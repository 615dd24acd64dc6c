"""Every parameter of remove.bg, with its values and default, as a recipe."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from jobs.compat import removebg_parameters
from jobs.compat.errors import CompatError, quoted
from jobs.compat.removebg_parameters import BackgroundPicture
from segmentation.recipe import WHITE, Backdrop, Colour, Length, Plain, Recipe, Region, Size, Transparent


def recipe(**fields: str) -> Recipe:
    return removebg_parameters.read(fields).recipe


def test_defaults_are_the_documented_ones() -> None:
    read = removebg_parameters.read({})
    assert read.type == "other"
    assert read.recipe == Recipe(model="u2netp", refine="fast", size=Size(0.25), format="png")


@pytest.mark.parametrize(
    ("size", "megapixels"),
    [
        ("preview", 0.25),
        ("small", 0.25),
        ("regular", 0.25),
        ("medium", 1.5),
        ("hd", 4),
        ("HD", 4),
        ("full", 25),
        ("4k", 25),
        ("50MP", 50),
        ("auto", 25),
    ],
)
@pytest.mark.parametrize("format", ["jpg", "webp", "zip", "png", "auto"])
def test_size_is_a_limit_in_megapixels_with_a_lower_one_for_png(
    size: str, megapixels: float, format: str
) -> None:
    expected = min(megapixels, 10) if format in {"png", "auto"} else megapixels
    assert recipe(size=size, format=format).size == Size(expected)


def test_a_token_may_say_that_preview_means_full() -> None:
    for said in ({}, {"size": "preview"}, {"size": "small"}, {"size": "regular"}):
        assert removebg_parameters.read(
            said | {"format": "jpg"}, preview_means_full=True
        ).recipe.size == Size(25)
    assert removebg_parameters.read({"size": "hd"}, preview_means_full=True).recipe.size == Size(4)


@pytest.mark.parametrize(
    ("fields", "format"),
    [
        ({}, "png"),
        ({"format": "auto"}, "png"),
        ({"format": "auto", "bg_color": "fff"}, "jpeg"),
        ({"format": "auto", "bg_color": "ffffff80"}, "png"),
        ({"format": "auto", "bg_color": "#fff0"}, "png"),
        ({"format": "auto", "channels": "alpha"}, "png"),
        ({"format": "PNG"}, "png"),
        ({"format": "jpg"}, "jpeg"),
        ({"format": "webp"}, "webp"),
        ({"format": "zip"}, "zip"),
    ],
)
def test_format(fields: dict[str, str], format: str) -> None:
    assert removebg_parameters.read(fields).recipe.format == format


@pytest.mark.parametrize(("transparent", "format"), [(False, "jpeg"), (True, "png")])
def test_format_auto_with_a_background_picture(transparent: bool, format: str) -> None:
    read = removebg_parameters.read({}, behind=BackgroundPicture("ab" * 32, transparent)).recipe
    assert (read.format, read.background) == (format, Backdrop("ab" * 32, "cover"))


@pytest.mark.parametrize(
    ("said", "type", "expected"),
    [
        ("auto", "", "other"),
        ("person", "", "person"),
        ("product", "1", "product"),
        ("car", "2", "car"),
        ("animal", "latest", "animal"),
        ("graphic", "", "other"),
        ("graphic", "1", "other"),
        ("graphic", "2", "graphics"),
        ("graphics", "2", "graphics"),
        ("Graphic", "latest", "graphics"),
        ("transportation", "", "other"),
        ("transportation", "1", "other"),
        ("transportation", "2", "transportation"),
        ("transportation", "latest", "transportation"),
        ("spaceship", "2", "other"),
        ("transportation", "none", None),
        ("other", "", "other"),
        ("spaceship", "", "other"),
        ("car", "none", None),
    ],
)
def test_type_is_the_callers_value(said: str, type: str, expected: str | None) -> None:
    fields = {"type": said} | ({"type_level": type} if type else {})
    assert removebg_parameters.read(fields).type == expected


@pytest.mark.parametrize(
    ("said", "colour"),
    [
        ("fff", WHITE),
        ("#fff", WHITE),
        ("81d4fa", Colour(0x81, 0xD4, 0xFA)),
        ("#81d4fa77", Colour(0x81, 0xD4, 0xFA, 0x77)),
        ("81d8", Colour(0x88, 0x11, 0xDD, 0x88)),
        ("green", Colour(0, 128, 0)),
        ("LightSkyBlue", Colour(135, 206, 250)),
    ],
)
def test_bg_color(said: str, colour: Colour) -> None:
    assert recipe(bg_color=said).background == Plain(colour)


def test_a_fully_transparent_colour_is_no_background() -> None:
    assert recipe(bg_color="#0000").background == Transparent()


@pytest.mark.parametrize(
    ("said", "region"),
    [
        ("0% 0% 100% 100%", None),
        ("10% 20% 90% 100%", Region(Length(10, "%"), Length(20, "%"), Length(90, "%"), Length(100, "%"))),
        ("10px 20px 900px 1000px", Region(Length(10), Length(20), Length(900), Length(1000))),
        ("10 20px 90% 1000", Region(Length(10), Length(20), Length(90, "%"), Length(1000))),
    ],
)
def test_roi(said: str, region: Region | None) -> None:
    assert recipe(roi=said).roi == region


@pytest.mark.parametrize(
    ("said", "margins"),
    [
        ("10px", ["10px"] * 4),
        ("10% 20px", ["10%", "20px", "10%", "20px"]),
        ("1px 2px 3% 4%", ["1px", "2px", "3%", "4%"]),
        ("50%", ["50%"] * 4),
        ("500px", ["500px"] * 4),
    ],
)
def test_crop_margin(said: str, margins: list[str]) -> None:
    assert [str(one) for one in recipe(crop="true", crop_margin=said).crop_margin] == margins


def test_crop_margin_is_ignored_without_crop() -> None:
    assert recipe(crop_margin="10px") == recipe()
    assert recipe(crop_margin="10px", crop="false") == recipe()


@pytest.mark.parametrize(
    ("fields", "scale", "position"),
    [
        ({}, None, None),
        ({"scale": "original", "position": "original"}, None, None),
        ({"scale": "80%"}, 80, (50, 50)),
        ({"scale": "10%", "position": "20%"}, 10, (20, 20)),
        ({"scale": "100%", "position": "0% 100%"}, 100, (0, 100)),
        ({"position": "center"}, None, (50, 50)),
        ({"scale": "80%", "position": "original"}, 80, "original"),
        ({"scale": "original", "position": "0%"}, None, (0, 0)),
    ],
)
def test_scale_and_position(fields: dict[str, str], scale: float | None, position: Any) -> None:
    read = removebg_parameters.read(fields).recipe
    assert (read.scale, read.position) == (scale, position)


@pytest.mark.parametrize("yes", ["true", "True", "1", "yes"])
@pytest.mark.parametrize("no", ["false", "False", "0", "no"])
def test_flags_are_read_as_they_are_written(yes: str, no: str) -> None:
    assert recipe(crop=yes).crop is True
    assert recipe(crop=no).crop is False
    assert recipe(semitransparency=no).semitransparency is False
    assert recipe(semitransparency=yes).semitransparency is True


def test_channels() -> None:
    assert recipe().channels == recipe(channels="rgba").channels == "rgba"
    assert recipe(channels="alpha").channels == "alpha"


@pytest.mark.parametrize(
    ("fields", "kind", "opacity"),
    [
        ({}, None, 0),
        ({"shadow_type": "none"}, None, 0),
        ({"shadow_type": "drop"}, "drop", 50),
        ({"shadow_type": "3D"}, "contact", 50),
        ({"shadow_type": "car"}, "contact", 50),
        ({"shadow_type": "car", "type": "car"}, "contact", 90),
        ({"shadow_type": "drop", "type": "car"}, "drop", 90),
        ({"shadow_type": "auto"}, "drop", 50),
        ({"shadow_type": "auto", "type": "person"}, "contact", 50),
        ({"shadow_type": "auto", "type": "transportation"}, "contact", 50),
        ({"shadow_type": "auto", "type": "graphic"}, "drop", 50),
        ({"shadow_type[car]": "auto", "type": "car"}, "contact", 90),
        ({"shadow_type": "auto", "type": "car", "shadow_opacity[car]": "10"}, "contact", 10),
        ({"shadow_type": "auto", "type": "car", "shadow_opacity[person]": "10"}, "contact", 90),
        ({"shadow_type": "drop", "shadow_opacity[other]": "10"}, "drop", 10),
        ({"shadow_type": "drop", "shadow_opacity[spaceship]": "10"}, "drop", 50),
        ({"shadow_type": "drop", "type": "graphic", "shadow_opacity[graphics]": "10"}, "drop", 10),
        ({"shadow_type": "drop", "shadow_opacity": "20", "shadow_opacity[car]": "30"}, "drop", 20),
        (
            {"shadow_type": "drop", "type": "car", "shadow_opacity": "20", "shadow_opacity[car]": "30"},
            "drop",
            30,
        ),
        (
            {"shadow_type": "drop", "type": "car", "shadow_opacity": "20", "shadow_opacity[car]": "auto"},
            "drop",
            90,
        ),
        (
            {"shadow_type": "drop", "type": "car", "shadow_opacity": '{"car": 10, "person": "auto"}'},
            "drop",
            10,
        ),
        ({"shadow_type": '{"car": "drop"}', "type": "car"}, "drop", 90),
        ({"shadow_type": "auto", "type": "car"}, "contact", 90),
        ({"shadow_type": "drop", "shadow_opacity": "auto"}, "drop", 50),
        ({"shadow_type": "drop", "shadow_opacity": "20"}, "drop", 20),
        ({"shadow_type": "drop", "shadow_opacity": "0"}, None, 0),
        ({"shadow_type[person]": "3D"}, None, 0),
        ({"shadow_type[person]": "3D", "type": "person"}, "contact", 50),
        ({"shadow_type": "drop", "shadow_type[car]": "none", "type": "car"}, None, 0),
        ({"add_shadow": "true"}, None, 0),
        ({"add_shadow": "true", "type": "car"}, "contact", 90),
        ({"add_shadow": "false", "type": "car"}, None, 0),
    ],
)
def test_shadows(fields: dict[str, str], kind: str | None, opacity: float) -> None:
    shadow = removebg_parameters.read(fields).recipe.shadow
    assert (shadow.kind if shadow else None, shadow.opacity if shadow else 0) == (kind, opacity)


def test_the_operator_chooses_the_refinement(settings: Settings) -> None:
    settings.COMPAT_REFINE = "best"
    assert recipe().refine == "best"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"size": "huge"}, "invalid_size"),
        ({"format": "gif"}, "invalid_format"),
        ({"channels": "rgb"}, "invalid_channels"),
        ({"roi": "1 2 3"}, "invalid_roi"),
        ({"roi": "a b c d"}, "invalid_roi"),
        ({"roi": "0% 0% 101% 100%"}, "roi_exceeds_bounds"),
        ({"roi": "-1px 0% 100% 100%"}, "roi_exceeds_bounds"),
        ({"crop": "maybe"}, "invalid_crop"),
        ({"crop_margin": "51%"}, "invalid_crop_margin"),
        ({"crop_margin": "501px"}, "invalid_crop_margin"),
        ({"crop_margin": "-1px"}, "invalid_crop_margin"),
        ({"crop_margin": "1px 2px 3px"}, "invalid_crop_margin"),
        ({"crop_margin": "wide"}, "invalid_crop_margin"),
        ({"scale": "9%"}, "invalid_scale"),
        ({"scale": "101%"}, "invalid_scale"),
        ({"scale": "big"}, "invalid_scale"),
        ({"position": "left"}, "invalid_position"),
        ({"position": "1% 2% 3%"}, "invalid_position"),
        ({"position": "101%"}, "invalid_position"),
        ({"semitransparency": "half"}, "invalid_semitransparency"),
        ({"bg_color": "nocolour"}, "invalid_bg_color"),
        ({"bg_color": "#ff"}, "invalid_bg_color"),
        ({"shadow_type": "long"}, "invalid_shadow_type"),
        ({"shadow_opacity": "101"}, "invalid_shadow_opacity"),
        ({"shadow_opacity": "nan"}, "invalid_shadow_opacity"),
        ({"shadow_opacity[car]": "101"}, "invalid_shadow_opacity"),
        ({"shadow_opacity": '{"car": 101}'}, "invalid_shadow_opacity"),
        ({"shadow_opacity": '{"car"'}, "invalid_shadow_opacity"),
        ({"shadow_type": "{nonsense"}, "invalid_shadow_type"),
        ({"add_shadow": "perhaps"}, "invalid_add_shadow"),
    ],
)
def test_errors_name_the_parameter(fields: dict[str, str], code: str) -> None:
    with pytest.raises(CompatError) as refused:
        removebg_parameters.read(fields)
    assert (refused.value.code, refused.value.status) == (code, 400)
    assert refused.value.detail


@pytest.mark.parametrize("scale", ["9%", "101%", "big"])
def test_the_scale_error_names_the_bounds(scale: str) -> None:
    with pytest.raises(CompatError) as refused:
        removebg_parameters.read({"scale": scale})
    assert refused.value.detail == f"scale is original or 10% to 100%, not {quoted(scale)}."


@pytest.mark.parametrize(
    ("roi", "code"),
    [
        ("0px 0px 101px 50px", "roi_exceeds_bounds"),
        ("0px 0px 50px 81px", "roi_exceeds_bounds"),
        ("50% 0% 50% 100%", "roi_region_empty"),
        ("60px 0px 10px 80px", "roi_region_empty"),
    ],
)
def test_a_region_is_compared_with_the_picture(roi: str, code: str) -> None:
    wanted = recipe(roi=roi)
    with pytest.raises(CompatError) as refused:
        removebg_parameters.check_region(wanted, 100, 80)
    assert refused.value.code == code
    removebg_parameters.check_region(recipe(roi="0px 0px 100px 80px"), 100, 80)

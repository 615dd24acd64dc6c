"""Recipes: defaults, spelling, digests, and rejected values."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from segmentation.errors import RecipeError
from segmentation.recipe import (
    PRESETS,
    WHITE,
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
    preset,
)


def test_digests_are_pinned() -> None:
    """These values are cache keys in stored data: a change here requires a new VERSION."""
    assert Recipe().digest == "e2d65df116c3f1007199f2d34cb4399787484465b2dec0684b0346ea1bfa8a49"
    assert Recipe().matte_digest == "13f3312f506a139b3db449fb3b52616e8277fe9e8eb1aad6ff147c7d05381c27"
    full = Recipe.from_strings(
        {
            "model": "u2netp",
            "refine": "best",
            "shrink": "plain",
            "roi": "10% 20px 90% 480px",
            "crop": "on",
            "crop_margin": "5% 10px",
            "scale": "80%",
            "position": "25% 75%",
            "background": "linear:#fff,#eeeeee80,45",
            "shadow": "drop",
            "size": "2000x1500",
            "format": "webp",
            "quality": "80",
            "metadata": "keep",
        }
    )
    assert full.digest == "12cf17b111028dff7ac2d3e94c0d2f8fd39d2e1a3f189fc843f57919e9e116a4"
    assert full.matte_digest == "56b9c64ffa82bd4a7fea7bf53c50b00bebf666901a8a561ac2de93542a9da270"


def test_as_dict_is_canonical_json() -> None:
    assert Recipe().as_dict() == {
        "version": 1,
        "model": "u2net",
        "refine": "fast",
        "shrink": "auto",
        "roi": None,
        "crop": False,
        "crop_margin": ["0px", "0px", "0px", "0px"],
        "scale": None,
        "position": None,
        "background": {"kind": "transparent"},
        "shadow": None,
        "semitransparency": True,
        "binary": False,
        "size": None,
        "format": "png",
        "quality": None,
        "metadata": "strip",
        "channels": "rgba",
    }


def test_only_the_matte_fields_affect_the_matte_digest() -> None:
    base = Recipe().matte_digest
    assert (
        Recipe(format="webp", background=Plain(WHITE), crop=True, scale=50, metadata="keep").matte_digest
        == base
    )
    others = {
        Recipe(model="u2netp").matte_digest,
        Recipe(refine="best").matte_digest,
        Recipe(shrink="plain").matte_digest,
        Recipe.from_strings({"roi": "1 1 50% 50%"}).matte_digest,
    }
    assert len(others) == 4
    assert base not in others


@pytest.mark.parametrize(
    ("text", "background"),
    [
        ("transparent", Transparent()),
        ("#fff", Plain(Colour(255, 255, 255))),
        ("0f08", Plain(Colour(0, 255, 0, 136))),
        ("81d4fa", Plain(Colour(129, 212, 250))),
        ("#81d4fa77", Plain(Colour(129, 212, 250, 119))),
        ("RebeccaPurple", Plain(Colour(102, 51, 153))),
        ("#12345600", Transparent()),
        ("linear:#fff,#eee,90", Gradient("linear", (Colour(255, 255, 255), Colour(238, 238, 238)), 90)),
        ("linear:white,black", Gradient("linear", (Colour(255, 255, 255), Colour(0, 0, 0)), 180)),
        ("linear:red,lime,-90deg", Gradient("linear", (Colour(255, 0, 0), Colour(0, 255, 0)), 270)),
        ("radial:#fff,#ccc", Gradient("radial", (Colour(255, 255, 255), Colour(204, 204, 204)))),
        ("picture:sha256:ab", Backdrop("sha256:ab", "cover")),
        ("picture:contain:C:/b.jpg", Backdrop("C:/b.jpg", "contain")),
        ("picture:contain,#fff:b.jpg", Backdrop("b.jpg", "contain", Colour(255, 255, 255))),
        ("blur:20", Blurred(Length(20, "px"))),
        ("blur:1.5%", Blurred(Length(1.5, "%"))),
        ("blur", Blurred(Length(2, "%"))),
    ],
)
def test_backgrounds_from_text(text: str, background: object) -> None:
    assert Recipe.from_strings({"background": text}).background == background


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4MP", Size(megapixels=4)),
        ("0.25mp", Size(megapixels=0.25)),
        ("2000x1500", Size(width=2000, height=1500)),
        ("2000 × 1500", Size(width=2000, height=1500)),
        ("800x", Size(width=800)),
        ("x600", Size(height=600)),
        ("original", None),
    ],
)
def test_sizes_from_text(text: str, size: object) -> None:
    assert Recipe.from_strings({"size": text}).size == size


def test_margins_follow_the_order_top_right_bottom_left() -> None:
    px = [Length(n) for n in (1, 2, 3, 4)]
    assert Recipe.parse({"crop": True, "crop_margin": "1 2 3 4"}).crop_margin == tuple(px)
    assert Recipe.parse({"crop": True, "crop_margin": [1, "2px"]}).crop_margin == (px[0], px[1], px[0], px[1])
    assert Recipe.parse({"crop": True, "crop_margin": 3}).crop_margin == (px[2],) * 4


def test_positions() -> None:
    assert Recipe.parse({"position": "original"}).position is None
    assert Recipe.parse({"position": "center"}).position == (50, 50)
    assert Recipe.parse({"position": "30%"}).position == (30, 30)
    assert Recipe.parse({"position": [0, "100%"]}).position == (0, 100)
    assert Recipe.parse({"scale": "50%"}).position == (50, 50), "a scaled subject stands in the middle"
    assert Recipe.parse({"scale": "50%", "position": "0% 100%"}).position == (0, 100)
    kept = Recipe.parse({"scale": "50%", "position": "Original"})
    assert (kept.position, kept.as_dict()["position"]) == ("original", "original")
    assert Recipe.parse(kept.as_dict()) == Recipe.from_strings(kept.as_strings()) == kept
    assert kept.digest != Recipe.parse({"scale": "50%"}).digest


def test_shadow_text_starts_from_the_default_shadow() -> None:
    usual = Shadow("drop", 45, Length(2, "%"), (Length(1, "%"), Length(2, "%")), Colour(0, 0, 0))
    assert Recipe.from_strings({"shadow": "drop"}).shadow == usual
    own = Recipe.from_strings({"shadow": "drop:opacity=30,blur=12,offset=-4 8,colour=navy"}).shadow
    assert own == Shadow("drop", 30, Length(12), (Length(-4), Length(8)), Colour(0, 0, 128))
    assert Recipe.from_strings({"shadow": "none"}).shadow is None
    assert Recipe.from_strings({"shadow": "contact:opacity=0"}).shadow is None


def test_empty_text_means_the_default() -> None:
    names = Recipe().as_strings()
    assert Recipe.from_strings(dict.fromkeys(names, "")) == Recipe()
    assert Recipe.from_strings(dict.fromkeys(names, "  ")) == Recipe()


def test_jpeg_gets_white_under_transparent_pixels() -> None:
    assert Recipe(format="jpeg").background == Plain(WHITE)
    assert Recipe(format="jpeg", channels="alpha").background == Transparent()
    assert Recipe(format="jpeg").digest == Recipe(format="jpeg", background=Plain(WHITE)).digest


def test_values_without_effect_do_not_change_the_digest() -> None:
    assert Recipe.parse({"crop_margin": "5%"}).digest == Recipe().digest
    assert Recipe.parse({"quality": 50}).digest == Recipe().digest, "PNG has no quality"
    assert Recipe.parse({"format": "jpeg", "quality": 90}).digest == Recipe(format="jpeg").digest
    assert Recipe.parse({"channels": "alpha", "background": "red", "shadow": "drop"}) == Recipe(
        channels="alpha"
    )
    assert Recipe.parse({"roi": ["0%", 0, "100%", "100%"]}).digest == Recipe().digest


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"colour": "red"}, "colour", "unknown_field"),
        ({"version": 2}, "version", "unknown_version"),
        ({"version": True}, "version", "unknown_version"),
        ({"model": "../u2net"}, "model", "invalid_model"),
        ({"refine": "better"}, "refine", "invalid_refine"),
        ({"shrink": "nearest"}, "shrink", "invalid_shrink"),
        ({"roi": "1 2 3"}, "roi", "invalid_roi"),
        ({"roi": "50% 0 50% 10"}, "roi", "invalid_roi"),
        ({"roi": "0 0 101% 10"}, "roi", "invalid_roi"),
        ({"roi": "-1 0 5 10"}, "roi", "invalid_roi"),
        ({"crop": "perhaps"}, "crop", "invalid_crop"),
        ({"crop": 1}, "crop", "invalid_crop"),
        ({"crop": True, "crop_margin": "1 2 3"}, "crop_margin", "invalid_crop_margin"),
        ({"crop": True, "crop_margin": "101%"}, "crop_margin", "invalid_crop_margin"),
        ({"crop": True, "crop_margin": "2em"}, "crop_margin", "invalid_crop_margin"),
        ({"scale": 0}, "scale", "invalid_scale"),
        ({"scale": "101%"}, "scale", "invalid_scale"),
        ({"scale": "nan"}, "scale", "invalid_scale"),
        ({"position": "1% 2% 3%"}, "position", "invalid_position"),
        ({"position": "left"}, "position", "invalid_position"),
        ({"background": "nocolour"}, "background", "invalid_background"),
        ({"background": "#12345"}, "background", "invalid_background"),
        ({"background": "linear:#fff"}, "background", "invalid_background"),
        ({"background": "picture:"}, "background", "invalid_background"),
        ({"background": "picture:a\nb"}, "background", "invalid_background"),
        ({"background": "blur:200%"}, "background", "invalid_background"),
        ({"background": {"kind": "colour", "color": "red"}}, "background", "invalid_background"),
        ({"background": {"kind": "linear", "colours": "red"}}, "background", "invalid_background"),
        ({"background": 7}, "background", "invalid_background"),
        ({"shadow": "car"}, "shadow", "invalid_shadow"),
        ({"shadow": "drop:opacity"}, "shadow", "invalid_shadow"),
        ({"shadow": "drop:opacity=101"}, "shadow", "invalid_shadow"),
        ({"shadow": "drop:spread=1"}, "shadow", "invalid_shadow"),
        ({"shadow": "drop:offset=1"}, "shadow", "invalid_shadow"),
        ({"size": "x"}, "size", "invalid_size"),
        ({"size": "0MP"}, "size", "invalid_size"),
        ({"size": "20000x10"}, "size", "invalid_size"),
        ({"size": "16384x16384"}, "size", "invalid_size"),
        ({"size": {"width": 10, "depth": 3}}, "size", "invalid_size"),
        ({"size": {"width": "50%"}}, "size", "invalid_size"),
        ({"size": {"height": "50%"}}, "size", "invalid_size"),
        ({"size": {"megapixels": "4%"}}, "size", "invalid_size"),
        ({"size": "4%MP"}, "size", "invalid_size"),
        ({"background": "linear:#fff,#000,90%"}, "background", "invalid_background"),
        ({"size": "16384x10", "format": "webp"}, "size", "invalid_size"),
        ({"format": "gif"}, "format", "invalid_format"),
        ({"format": "jpeg", "quality": 0}, "quality", "invalid_quality"),
        ({"format": "jpeg", "quality": True}, "quality", "invalid_quality"),
        # Larger than any float, as a JSON number may be.
        ({"format": "jpeg", "quality": 10**400}, "quality", "invalid_quality"),
        ({"crop_margin": 10**400}, "crop_margin", "invalid_crop_margin"),
        ({"metadata": "some"}, "metadata", "invalid_metadata"),
        ({"channels": "rgb"}, "channels", "invalid_channels"),
        ({"channels": "alpha", "format": "zip"}, "channels", "invalid_channels"),
    ],
)
def test_refusals_name_the_field(given: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(RecipeError) as refused:
        Recipe.parse(given)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.sentence.endswith(".")


@pytest.mark.parametrize(
    ("fmt", "channels", "extension", "media_type", "quality"),
    [
        ("png", "rgba", "png", "image/png", None),
        ("webp", "rgba", "webp", "image/webp", 85),
        ("webp-lossless", "rgba", "webp", "image/webp", None),
        ("jpeg", "alpha", "jpg", "image/jpeg", 90),
        ("avif", "rgba", "avif", "image/avif", 70),
        ("zip", "rgba", "zip", "application/zip", 92),
    ],
)
def test_files(fmt: str, channels: str, extension: str, media_type: str, quality: int | None) -> None:
    recipe = Recipe(format=fmt, channels=channels)
    assert (recipe.extension, recipe.media_type, recipe.effective_quality) == (extension, media_type, quality)


def test_region_in_pixels() -> None:
    region = Recipe.from_strings({"roi": "10% 20px 50% 100%"}).roi
    assert region is not None
    assert region.box(300, 200) == (30, 20, 150, 200)
    with pytest.raises(RecipeError) as outside:
        Region(Length(0), Length(0), Length(301), Length(10)).box(300, 200)
    assert outside.value.code == "roi_exceeds_bounds"
    with pytest.raises(RecipeError) as empty:
        Region(Length(90, "%"), Length(0), Length(100), Length(10)).box(300, 200)
    assert empty.value.code == "roi_region_empty"


def test_presets() -> None:
    assert all(name == entry.name for name, entry in PRESETS.items())
    square = preset("white-square-2000").recipe
    assert (
        square.as_strings()
        == Recipe.from_strings(
            {"crop": "true", "scale": "85%", "size": "2000x2000", "background": "white", "format": "jpeg"}
        ).as_strings()
    )
    with pytest.raises(RecipeError, match="white-square-2000") as unknown:
        preset("square")
    assert unknown.value.code == "unknown_preset"


def test_import_is_light() -> None:
    code = "import sys, segmentation.recipe; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not [name for name in ("numpy", "cv2", "torch", "PIL", "django") if repr(name) in loaded]

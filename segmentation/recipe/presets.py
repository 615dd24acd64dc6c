"""Built-in presets: named recipes for common uses."""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.errors import RecipeError
from segmentation.recipe.core import Recipe
from segmentation.recipe.parts import SHADOWS, Gradient, Plain, Size
from segmentation.recipe.values import WHITE, Colour, Length

_THIN = (Length(4, "%"),) * 4


@dataclass(frozen=True, slots=True)
class Preset:
    """A recipe with a name for programs, and a title and one sentence for people."""

    name: str
    title: str
    sentence: str
    recipe: Recipe


def _square(side: int, fill: float, **more: object) -> Recipe:
    """The subject in the middle of a square of `side` pixels; its longer side fills `fill` % of it."""
    body: dict[str, object] = {"crop": True, "scale": fill, "size": Size(width=side, height=side)}
    return Recipe(**(body | more))  # type: ignore[arg-type] # the keys are field names, written below


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("transparent", "Transparent PNG", "The cut-out at full size, as it is.", Recipe()),
        Preset(
            "trimmed",
            "Trimmed PNG",
            "The cut-out without its empty border, with a thin margin.",
            Recipe(crop=True, crop_margin=_THIN),
        ),
        Preset(
            "white-square-2000",
            "White square, 2000 px",
            "What marketplaces ask for: pure white, 2000 × 2000 pixels, the article fills 85 %, JPEG.",
            _square(2000, 85, background=Plain(WHITE), format="jpeg"),
        ),
        Preset(
            "white-square-1000",
            "White square, 1000 px",
            "Pure white, 1000 × 1000 pixels, the article fills 85 %, JPEG.",
            _square(1000, 85, background=Plain(WHITE), format="jpeg"),
        ),
        Preset(
            "shop-portrait",
            "Shop portrait, 1600 × 2000 px",
            "4:5 on light grey with a contact shadow, the article fills 80 %, JPEG.",
            Recipe(
                crop=True,
                scale=80,
                size=Size(width=1600, height=2000),
                background=Plain(Colour(245, 245, 245)),
                shadow=SHADOWS["contact"],
                format="jpeg",
            ),
        ),
        Preset(
            "soft-shadow",
            "Soft shadow on white, 2000 px",
            "White square with a drop shadow, the article fills 75 %, JPEG.",
            _square(2000, 75, background=Plain(WHITE), shadow=SHADOWS["drop"], format="jpeg"),
        ),
        Preset(
            "profile",
            "Profile picture, 800 px",
            "A person on a soft grey gradient, 800 × 800 pixels, standing on the lower edge, JPEG.",
            _square(
                800,
                92,
                position=(50.0, 100.0),
                background=Gradient("radial", (Colour(245, 247, 250), Colour(178, 188, 200))),
                format="jpeg",
            ),
        ),
        Preset(
            "sticker",
            "Sticker, 512 px",
            "Transparent WebP of 512 × 512 pixels, as messengers take them.",
            _square(512, 94, format="webp"),
        ),
        Preset(
            "web",
            "For a web page",
            "Transparent WebP of at most 2 megapixels, trimmed.",
            Recipe(crop=True, crop_margin=_THIN, size=Size(megapixels=2), format="webp"),
        ),
        Preset(
            "matte", "Matte alone", "The grey matte of the source's size as PNG.", Recipe(channels="alpha")
        ),
    )
}


def preset(name: str) -> Preset:
    """The built-in preset of that name. Raises RecipeError `unknown_preset`."""
    if name not in PRESETS:
        raise RecipeError(
            "unknown_preset", f"There is no preset {name!r}; there are {', '.join(PRESETS)}.", "preset"
        )
    return PRESETS[name]

"""The recipe: how a picture is to be cut out and rendered. Imports nothing heavy; the web process uses it."""

from segmentation.recipe.core import CHANNELS, FORMATS, METADATA, REFINEMENTS, SHRINKS, Recipe
from segmentation.recipe.field import Choice, Field
from segmentation.recipe.parts import (
    SHADOWS,
    Backdrop,
    Background,
    Blurred,
    Gradient,
    Plain,
    Region,
    Shadow,
    Size,
    Transparent,
)
from segmentation.recipe.presets import PRESETS, Preset, preset
from segmentation.recipe.values import BLACK, WHITE, Colour, Length

__all__ = [
    "BLACK",
    "CHANNELS",
    "FORMATS",
    "METADATA",
    "PRESETS",
    "REFINEMENTS",
    "SHADOWS",
    "SHRINKS",
    "WHITE",
    "Backdrop",
    "Background",
    "Blurred",
    "Choice",
    "Colour",
    "Field",
    "Gradient",
    "Length",
    "Plain",
    "Preset",
    "Recipe",
    "Region",
    "Shadow",
    "Size",
    "Transparent",
    "preset",
]

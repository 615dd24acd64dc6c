"""What is wanted of a picture, as one typed value. Imports nothing heavy: the web process uses it."""

from segmentation.recipe.core import CHANNELS, FORMATS, METADATA, REFINEMENTS, SHRINKS, VERSION, Recipe
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
    "VERSION",
    "WHITE",
    "Backdrop",
    "Background",
    "Blurred",
    "Colour",
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

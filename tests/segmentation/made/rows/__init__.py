"""All rows of the table of synthetic files; importing it fills the registry."""

from tests.segmentation.made.registry import ROWS, Made

from . import jpeg, modern, orientation, plain, png, profiles, small, tiff

__all__ = ["ROWS", "Made", "jpeg", "modern", "orientation", "plain", "png", "profiles", "small", "tiff"]

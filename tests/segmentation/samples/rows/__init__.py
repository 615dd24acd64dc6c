"""All rows of the table of synthetic files; importing it fills the registry."""

from tests.segmentation.samples.registry import ROWS, Sample

from . import jpeg, modern, orientation, plain, png, profiles, small, tiff

__all__ = ["ROWS", "Sample", "jpeg", "modern", "orientation", "plain", "png", "profiles", "small", "tiff"]

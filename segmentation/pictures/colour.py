"""Embedded colour profiles (ICC.1) to sRGB, by LittleCMS through Pillow."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from segmentation.pictures.probe import PROFILE_BROKEN

PROFILE_OF_OTHER_COLOURS = "The colour profile in the file is for another kind of picture and was left aside."

# The colour space that a profile names for its device side, and the Pillow mode that it can convert.
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, profile: bytes | None, warnings: list[str]) -> Image.Image:
    """An image of mode L, RGB, CMYK or LAB as RGB in sRGB.

    With a profile that fits the mode, by the perceptual intent (which profiles of monitors and cameras
    treat as relative colorimetric); a profile that is damaged or for other colours adds a sentence to
    `warnings` and is left aside, since slightly wrong colours serve people better than none.
    """
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _from_lab()) or image
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if image.mode == "L" and space == "RGB":
                # Grey pictures with a colour profile are common: its curve is meant.
                image = image.convert("RGB")
            transform = None
            if _SPACES.get(space) == image.mode:
                transform = ImageCms.buildTransform(
                    source, _srgb(), image.mode, "RGB", ImageCms.Intent.PERCEPTUAL
                )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            warnings.append(PROFILE_BROKEN)
        else:
            if transform is None:
                warnings.append(PROFILE_OF_OTHER_COLOURS)
            elif not _changes_nothing(transform, image.mode):
                return _apply(image, transform)
    return image if image.mode == "RGB" else image.convert("RGB")


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the profile is sRGB to within a level: then the pixels are best left as they are."""
    if mode != "RGB":
        return False
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    converted = ImageCms.applyTransform(Image.fromarray(colours), transform)
    if converted is None:
        return False
    return int(np.abs(np.asarray(converted).astype(int) - colours).max()) <= 1


def _apply(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    if image.mode == "RGB":
        ImageCms.applyTransform(image, transform, inPlace=True)
        return image
    return ImageCms.applyTransform(image, transform) or image

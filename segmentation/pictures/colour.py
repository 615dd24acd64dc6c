"""Converts embedded colour profiles (ICC.1) to sRGB with LittleCMS, through Pillow."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from segmentation.pictures.probe import PROFILE_BROKEN

PROFILE_MISMATCH = "The colour profile in the file is for another kind of picture and was ignored."

# A profile's device colour space, and the Pillow mode that it can convert.
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, profile: bytes | None, warnings: list[str]) -> Image.Image:
    """Converts an image of mode L, RGB, CMYK or LAB to RGB in sRGB.

    A profile that fits the mode is applied with the perceptual intent (which profiles of monitors and cameras
    treat as relative colorimetric). A profile that is damaged or for another mode adds a sentence to
    `warnings` and is ignored: slightly wrong colours are better than none.
    """
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _from_lab()) or image
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if image.mode == "L" and space == "RGB":
                # Grey pictures with an RGB profile are common: apply its tone curve.
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
                warnings.append(PROFILE_MISMATCH)
            elif not _is_srgb(transform, image.mode):
                return _apply(image, transform)
    return image if image.mode == "RGB" else image.convert("RGB")


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the profile equals sRGB to within one level: then the pixels are best left unchanged."""
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

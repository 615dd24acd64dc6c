"""Makes JPEG files of a given size from a photo."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

_GRAIN = 4.0


def jpeg_of(photo: Path, megapixels: float, seed: int = 0) -> bytes:
    """Returns the photo scaled to this many megapixels, with camera grain (without it an enlarged photo
    compresses too well).
    """
    with Image.open(photo) as image:
        rgb = image.convert("RGB")
    scale = (megapixels * 1e6 / (rgb.width * rgb.height)) ** 0.5
    size = (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale)))
    pixels = np.asarray(rgb.resize(size, Image.Resampling.LANCZOS), dtype=np.float32)
    grain = np.random.default_rng(seed).normal(0, _GRAIN, pixels.shape[:2]).astype(np.float32)
    target = io.BytesIO()
    Image.fromarray(np.clip(pixels + grain[..., None], 0, 255).astype(np.uint8)).save(
        target, "JPEG", quality=90
    )
    return target.getvalue()

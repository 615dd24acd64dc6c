"""Facts about the file formats of results."""

from __future__ import annotations

from typing import Final

# The qualities that are used unless the recipe says otherwise; formats without loss have none.
QUALITIES: Final = {"jpeg": 90, "webp": 85, "avif": 70, "zip": 92}
WEBP_MAX_SIDE: Final = 16383
_EXTENSIONS: Final = {"jpeg": "jpg", "webp-lossless": "webp"}
_MEDIA_TYPES: Final = {"zip": "application/zip", "webp-lossless": "image/webp"}


def extension(format: str) -> str:
    """The file name extension, without the dot."""
    return _EXTENSIONS.get(format, format)


def media_type(format: str) -> str:
    """The media type."""
    return _MEDIA_TYPES.get(format, f"image/{format}")

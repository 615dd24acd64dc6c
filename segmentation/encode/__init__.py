"""Encodes pixels to files: PNG, WebP, JPEG, AVIF, and the ZIP of colour and matte."""

from segmentation.encode.files import FORMATS, Encoded, encode

__all__ = ["FORMATS", "Encoded", "encode"]

"""Decodes untrusted picture files of any format into upright sRGB pixels and straight alpha. All untrusted
bytes enter here.

Light to import (NumPy and Pillow's core): web processes call inspect() without ever loading a codec.
"""

from segmentation.pictures.opening import decode, decode_reduced, inspect
from segmentation.pictures.types import DecodedPicture, Limits, PictureInfo, PictureSource

__all__ = [
    "DecodedPicture",
    "Limits",
    "PictureInfo",
    "PictureSource",
    "decode",
    "decode_reduced",
    "inspect",
]

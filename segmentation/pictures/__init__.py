"""The only door for untrusted bytes: any picture file in, upright sRGB pixels and straight alpha out.

Light to import (NumPy and Pillow's core): the web process calls inspect() without ever loading a codec.
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

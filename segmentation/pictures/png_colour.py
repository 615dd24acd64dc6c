"""A PNG's colour declaration, in the order of precedence of the specification: cICP, iCCP, sRGB, gAMA,
cHRM."""

from __future__ import annotations

import struct
import zlib

from segmentation.pictures import icc
from segmentation.pictures.probe import (
    HIGH_DYNAMIC_RANGE,
    MAX_PROFILE_BYTES,
    PROFILE_BROKEN,
    PROFILE_TOO_LARGE,
)
from segmentation.pictures.source import Source

COLOUR_CHUNKS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
# A gamma this close to 1/2.2 means sRGB, as nearly all writers use it.
_GAMMA_TOLERANCE = 0.05


def colour_profile(source: Source, places: dict[bytes, tuple[int, int]], warnings: list[str]) -> bytes | None:
    """Returns an ICC profile for the chunks at `places` (start and length of content); None for sRGB."""
    if places.get(b"cICP", (0, 0))[1] == 4:
        primaries, transfer, _, _ = source.read_exactly(*places[b"cICP"])
        if transfer in icc.HIGH_DYNAMIC_RANGE:
            warnings.append(HIGH_DYNAMIC_RANGE)
        return icc.from_cicp(primaries, transfer)
    if b"iCCP" in places:
        return _embedded(source, *places[b"iCCP"], warnings)
    if b"sRGB" not in places and places.get(b"gAMA", (0, 0))[1] == 4:
        return _of_gamma(source, places)
    return None


def _embedded(source: Source, start: int, length: int, warnings: list[str]) -> bytes | None:
    """Returns iCCP's profile: a name of 1 to 79 bytes, a zero, a zero for zlib, then the compressed
    profile."""
    if length > MAX_PROFILE_BYTES:
        warnings.append(PROFILE_TOO_LARGE)
        return None
    content = source.read_exactly(start, length)
    name_end = content.find(b"\x00", 0, 80)
    try:
        if name_end < 0 or content[name_end + 1 : name_end + 2] != b"\x00":
            raise zlib.error("no profile name or an unknown compression")
        unpacker = zlib.decompressobj()
        profile = unpacker.decompress(content[name_end + 2 :], MAX_PROFILE_BYTES + 1)
    except zlib.error:
        warnings.append(PROFILE_BROKEN)
        return None
    if len(profile) > MAX_PROFILE_BYTES:
        warnings.append(PROFILE_TOO_LARGE)
        return None
    return profile


def _of_gamma(source: Source, places: dict[bytes, tuple[int, int]]) -> bytes | None:
    (stored,) = struct.unpack(">I", source.read_exactly(*places[b"gAMA"]))
    chromaticities = icc.BT709
    if places.get(b"cHRM", (0, 0))[1] == 32:
        white_x, white_y, *colours = (
            n / 100_000 for n in struct.unpack(">8I", source.read_exactly(*places[b"cHRM"]))
        )
        red_x, red_y, green_x, green_y, blue_x, blue_y = colours
        chromaticities = (red_x, red_y, green_x, green_y, blue_x, blue_y, white_x, white_y)
    near = abs(stored * 2.2 / 100_000 - 1) < _GAMMA_TOLERANCE
    same = all(abs(a - b) < 0.005 for a, b in zip(chromaticities, icc.BT709, strict=True))
    if not 10_000 <= stored <= 1_000_000 or (near and same):
        return None
    return icc.profile(chromaticities, None if near else 100_000 / stored)

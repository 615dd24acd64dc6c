"""Builds ICC profiles (ICC.1) for colours that a file declares by numbers: CICP codes, or a gamma and
chromaticities.

AVIF and HEIC (nclx) and PNG (cICP, gAMA, cHRM) declare in a few bytes what other formats declare in a
profile. With a profile built from these numbers, all formats share one conversion to sRGB.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

Chromaticities = tuple[float, float, float, float, float, float, float, float]
Matrix = npt.NDArray[np.float64]

# x and y of red, green, blue and white; ITU-T H.273, table 2.
BT709: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
PRIMARIES: dict[int, Chromaticities] = {
    1: BT709,
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
}
# H.273, table 3. The video curve (1, 6, 14, 15) is displayed on the same screens as sRGB's and treated as
# sRGB.
GAMMAS: dict[int, float] = {4: 2.2, 5: 2.8, 8: 1.0}
HIGH_DYNAMIC_RANGE = (16, 18)

_D50 = np.array([0.96420, 1.0, 0.82491])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def from_cicp(primaries: int, transfer: int) -> bytes | None:
    """Returns the profile for CICP codes, or None if they mean sRGB or are unknown."""
    gamma = GAMMAS.get(transfer)
    if primaries not in PRIMARIES or (PRIMARIES[primaries] == BT709 and gamma is None):
        return None
    return profile(PRIMARIES[primaries], gamma)


def profile(places: Chromaticities, gamma: float | None) -> bytes | None:
    """Returns a display profile; gamma None means sRGB's curve. None if the chromaticities do not span a
    gamut.
    """
    colorants = _colorants(places)
    if colorants is None:
        return None
    curve = _curve(gamma)
    tags = {
        b"desc": _text("named by numbers"),
        b"cprt": _text("none"),
        b"wtpt": _xyz(_D50),
        b"rXYZ": _xyz(colorants[:, 0]),
        b"gXYZ": _xyz(colorants[:, 1]),
        b"bXYZ": _xyz(colorants[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = b"", b""
    start = 132 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + b"\x00" * (-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x04200000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += b"".join(_fixed(value) for value in _D50)
    return head.ljust(128, b"\x00") + struct.pack(">I", len(tags)) + table + body


def _colorants(places: Chromaticities) -> Matrix | None:
    """Returns XYZ of red, green and blue as columns, scaled to their white and adapted to D50 (Bradford)."""
    x, y = np.array(places[0::2]), np.array(places[1::2])
    if (y <= 0).any() or (x < 0).any() or (x + y > 1).any():
        return None
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    if abs(np.linalg.det(xyz[:, :3])) < 1e-6:
        return None
    scaled = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    cones = _BRADFORD @ xyz[:, 3]
    if (cones <= 0).any():
        return None
    adapt = np.linalg.solve(_BRADFORD, np.diag(_BRADFORD @ _D50 / cones) @ _BRADFORD)
    colorants: Matrix = adapt @ scaled
    return colorants if float(np.abs(colorants).max()) < 10 else None


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(float(value) * 65536))


def _xyz(values: Matrix) -> bytes:
    return b"XYZ \x00\x00\x00\x00" + b"".join(_fixed(value) for value in values)


def _curve(gamma: float | None) -> bytes:
    head = b"para\x00\x00\x00\x00"
    if gamma is not None:
        return head + struct.pack(">HH", 0, 0) + _fixed(gamma)
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return head + struct.pack(">HH", 3, 0) + b"".join(_fixed(number) for number in numbers)


def _text(text: str) -> bytes:
    content = text.encode("utf-16-be")
    record = struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(content), 28)
    return b"mluc\x00\x00\x00\x00" + record + content

"""ICC profiles (ICC.1:2010) written by hand: matrix and curve for RGB, a curve for grey, a table for CMYK."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

# Colorants adapted to D50, columns red, green, blue, as in those profiles.
DISPLAY_P3 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
_D50 = (0.96420, 1.0, 0.82491)


def rgb_profile(colorants: npt.NDArray[np.float64], gamma: float | None) -> bytes:
    """A display profile; gamma None means sRGB's own curve."""
    curve = _srgb_curve() if gamma is None else _gamma_curve(gamma)
    tags = {
        b"desc": _text("made"),
        b"wtpt": _xyz(_D50),
        b"rXYZ": _xyz(colorants[:, 0]),
        b"gXYZ": _xyz(colorants[:, 1]),
        b"bXYZ": _xyz(colorants[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    return _profile(
        b"mntr",
        b"GRAY",
        b"XYZ ",
        {b"desc": _text("grey"), b"wtpt": _xyz(_D50), b"kTRC": _gamma_curve(gamma)},
    )


def cmyk_profile() -> bytes:
    """Two grid points a channel: L* falls with each ink, a* and b* stay neutral, by an 8-bit lut (mft1)."""
    table = bytearray()
    for corner in range(16):
        inks = [corner >> shift & 1 for shift in (3, 2, 1, 0)]
        lightness = 0 if inks[3] else 100 - 25 * sum(inks[:3])
        table += bytes([round(lightness * 2.55), 128, 128])
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + bytes(table) + identity * 3
    return _profile(
        b"prtr", b"CMYK", b"Lab ", {b"desc": _text("ink"), b"wtpt": _xyz(_D50), b"A2B0": lut, b"A2B1": lut}
    )


def to_srgb(
    rgb: npt.NDArray[np.uint8], colorants: npt.NDArray[np.float64], gamma: float | None
) -> npt.NDArray[np.float64]:
    """Returns those colours in sRGB, computed from the definitions: H×W×3, 0..255, clipped."""
    value = rgb / 255.0
    linear = _srgb_linear(value) if gamma is None else value**gamma
    mixed = linear @ (np.linalg.inv(SRGB) @ colorants).T
    return encoded(mixed)


def encoded(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """sRGB's transfer function (IEC 61966-2-1), to 0..255."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _srgb_linear(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: object) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(float(one)) for one in values)  # type: ignore[attr-defined]


def _gamma_curve(gamma: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", 0, 0) + _fixed(gamma)


def _srgb_curve() -> bytes:
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(_fixed(one) for one in numbers)


def _text(text: str) -> bytes:
    encoded_text = text.encode("utf-16-be")
    return (
        b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded_text), 28) + encoded_text
    )


def _profile(kind: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x04200000, kind, space, pcs)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += b"".join(_fixed(one) for one in _D50)
    header += b"\0" * (128 - len(header))
    return header + struct.pack(">I", len(tags)) + table + body

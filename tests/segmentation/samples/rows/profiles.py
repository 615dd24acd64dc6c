"""Rows of the table: colour profiles in every format that stores them: wide, grey, ink, damaged, missing."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from tests.segmentation.samples import heifs, jpegs, pngs, profiles
from tests.segmentation.samples.registry import AVIF, EVEN, FULL, HEIC, JPEG, PNG, TIFF, Sample, add, row
from tests.segmentation.samples.scene import Pixels, grey, muted, ramp, rgb_of, saved, scene

from .png import png_palette


# --- profiles
def _shown(name: str) -> tuple[bytes, Pixels]:
    colorants, gamma = {"p3": (profiles.DISPLAY_P3, None), "adobe": (profiles.ADOBE_RGB, 2.2)}[name]
    shown = profiles.to_srgb(muted(), colorants, gamma)
    return profiles.rgb_profile(colorants, gamma), shown.round().astype(np.uint8)


for gamut in ("p3", "adobe"):
    for kind, options, slack in (
        ("JPEG", FULL, 6),
        ("PNG", {}, 1),
        ("WEBP", {"lossless": True}, 1),
        ("TIFF", {}, 1),
        ("AVIF", EVEN, 6),
    ):
        add(
            f"{kind.lower()} profile {gamut}",
            lambda k=kind, o=options, g=gamut, s=slack: Sample(
                k.lower(), saved(muted(), k, icc_profile=_shown(g)[0], **o), _shown(g)[1], tolerance=s
            ),
        )
    add(f"heic profile {gamut}", lambda g=gamut: _heic_profile(g))
    add(
        f"png rgba 16 bit interlaced profile {gamut}",
        lambda g=gamut: Sample(
            PNG,
            pngs.png(
                np.dstack([muted(), ramp()]).astype(int) * 257,
                16,
                6,
                interlace=True,
                before=_iccp(_shown(g)[0]),
            ),
            _shown(g)[1],
            ramp(),
            tolerance=1,
        ),
    )


def _iccp(profile: bytes) -> bytes:
    return pngs.chunk(b"iCCP", b"made\0\0" + zlib.compress(profile))


def _heic_profile(gamut: str) -> Sample:
    profile, shown = _shown(gamut)
    item = heifs.picture(muted())
    item.properties.append(heifs.box(b"colr", b"prof", profile))
    return Sample(HEIC, heifs.heic([item]), shown, tolerance=1)


@row("jpeg profile of sRGB itself")
def _jpeg_srgb() -> Sample:
    profile = profiles.rgb_profile(profiles.SRGB, None)
    return Sample(JPEG, saved(scene(), "JPEG", icc_profile=profile, **FULL), scene(), tolerance=3)


@row("png profile of sRGB itself")
def _png_srgb() -> Sample:
    return Sample(PNG, saved(scene(), "PNG", icc_profile=profiles.rgb_profile(profiles.SRGB, None)), scene())


@row("jpeg profile in several segments, out of order")
def _jpeg_profile_parts() -> Sample:
    profile, shown = _shown("p3")
    parts = jpegs.icc_segments(profile, size=100)
    data = jpegs.with_segments(saved(muted(), "JPEG", **FULL), *reversed(parts))
    return Sample(JPEG, data, shown, tolerance=6)


@row("jpeg profile, a segment missing")
def _jpeg_profile_hole() -> Sample:
    parts = jpegs.icc_segments(_shown("p3")[0], size=100)
    data = jpegs.with_segments(saved(scene(), "JPEG", **FULL), *parts[:1], *parts[2:])
    return Sample(JPEG, data, scene(), tolerance=3, warnings=1)


@row("png grey profile")
def _png_grey_profile() -> Sample:
    shown = profiles.encoded((grey() / 255) ** 1.8).round().astype(np.uint8)
    return Sample(
        PNG, saved(grey(), "PNG", icc_profile=profiles.grey_profile(1.8)), rgb_of(shown), tolerance=1
    )


@row("png grey 16 bit profile")
def _png_grey16_profile() -> Sample:
    shown = profiles.encoded((grey() / 255) ** 1.8).round().astype(np.uint8)
    chunk = _iccp(profiles.grey_profile(1.8))
    return Sample(PNG, pngs.png(grey().astype(int) * 257, 16, 0, before=chunk), rgb_of(shown), tolerance=1)


@row("png palette profile")
def _png_palette_profile() -> Sample:
    made = png_palette(8, False)
    profile, _ = _shown("adobe")
    shown = profiles.to_srgb(made.rgb, profiles.ADOBE_RGB, 2.2).round().astype(np.uint8)
    at = made.data.index(b"PLTE") - 4
    return Sample(PNG, made.data[:at] + _iccp(profile) + made.data[at:], shown, made.alpha, tolerance=1)


def _inks() -> tuple[Pixels, Pixels]:
    """Corners of the synthetic CMYK profile, and the grey of its L* of 100 - 25 per ink."""
    inks = np.zeros((4, 5, 4), np.uint8)
    inks[1, :, 3] = 255
    inks[2, :, 0] = 255
    inks[3, :, :2] = 255
    luminance = ((np.array([100, 0, 75, 50]) + 16) / 116) ** 3
    luminance[1] = 0
    shown = profiles.encoded(luminance).round().astype(np.uint8)
    return inks, rgb_of(np.repeat(shown[:, None], 5, axis=1))


@row("tiff cmyk profile")
def _tiff_cmyk_profile() -> Sample:
    inks, shown = _inks()
    data = saved(Image.fromarray(inks, "CMYK"), "TIFF", icc_profile=profiles.cmyk_profile())
    return Sample(TIFF, data, shown, tolerance=1)


@row("jpeg cmyk adobe inverted profile")
def _jpeg_cmyk_profile() -> Sample:
    inks, shown = _inks()
    big = np.repeat(np.repeat(inks, 16, axis=0), 16, axis=1)
    shown = np.repeat(np.repeat(shown, 16, axis=0), 16, axis=1)
    return Sample(JPEG, jpegs.cmyk(big, icc_profile=profiles.cmyk_profile()), shown, tolerance=3)


for kind, options in (("JPEG", FULL), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
    for what, profile in (
        ("broken", b"\0\0\1\0" + b"junk" * 63),
        ("cut off", profiles.rgb_profile(profiles.DISPLAY_P3, None)[:300]),
        ("for grey", profiles.grey_profile(2.2)),
        ("for cmyk", profiles.cmyk_profile()),
    ):
        add(
            f"{kind.lower()} profile {what}",
            lambda k=kind, o=options, p=profile: Sample(
                k.lower(),
                saved(scene(), k, icc_profile=p, **o),
                scene(),
                tolerance=3 if k == "JPEG" else 0,
                warnings=1,
            ),
        )


# --- colours declared by numbers
def _numbered(*chunks: tuple[bytes, bytes]) -> bytes:
    before = b"".join(pngs.chunk(kind, content) for kind, content in chunks)
    return pngs.png(muted(), 8, 2, before=before)


_P3_CHRM = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
_LINEAR = profiles.encoded(muted() / 255).round().astype(np.uint8)

add(
    "png cicp p3",
    lambda: Sample(PNG, _numbered((b"cICP", bytes([12, 13, 0, 1]))), _shown("p3")[1], tolerance=1),
)
add("png cicp srgb", lambda: Sample(PNG, _numbered((b"cICP", bytes([1, 13, 0, 1]))), muted()))
add("png cicp hdr", lambda: Sample(PNG, _numbered((b"cICP", bytes([1, 16, 0, 1]))), muted(), warnings=1))
add("png gamma 1", lambda: Sample(PNG, _numbered((b"gAMA", (100_000).to_bytes(4))), _LINEAR, tolerance=1))
add("png gamma of srgb", lambda: Sample(PNG, _numbered((b"gAMA", (45_455).to_bytes(4))), muted()))
add("png gamma 0", lambda: Sample(PNG, _numbered((b"gAMA", bytes(4))), muted()))
add(
    "png srgb above gamma",
    lambda: Sample(PNG, _numbered((b"sRGB", b"\0"), (b"gAMA", (100_000).to_bytes(4))), muted()),
)
add(
    "png gamma and chromaticities of p3",
    lambda: Sample(
        PNG, _numbered((b"gAMA", (45_455).to_bytes(4)), (b"cHRM", _P3_CHRM)), _shown("p3")[1], tolerance=1
    ),
)
add(
    "png chromaticities of nothing",
    lambda: Sample(PNG, _numbered((b"gAMA", (45_455).to_bytes(4)), (b"cHRM", bytes(32))), muted()),
)


@row("heic nclx p3")
def _heic_nclx() -> Sample:
    item = heifs.coded(np.ascontiguousarray(muted()[..., [1, 2, 0]]))
    item.properties.append(heifs.box(b"colr", b"nclx", struct.pack(">HHHB", 12, 13, 0, 0x80)))
    return Sample(HEIC, heifs.heic([item]), _shown("p3")[1], tolerance=1)


@row("avif nclx p3")
def _avif_nclx() -> Sample:
    data = saved(muted(), "AVIF", **EVEN)
    at = data.index(b"nclx") + 4
    return Sample(AVIF, data[:at] + b"\0\x0c" + data[at + 2 :], _shown("p3")[1], tolerance=6)


@row("png grey with a colour profile")
def _png_grey_colour_profile() -> Sample:
    profile = profiles.rgb_profile(profiles.SRGB, None)
    return Sample(PNG, saved(grey(), "PNG", icc_profile=profile), rgb_of(grey()))


@row("jpeg grey with a colour profile of gamma 1.8")
def _jpeg_grey_colour_profile() -> Sample:
    profile = profiles.rgb_profile(profiles.ADOBE_RGB, 1.8)
    shown = profiles.encoded((grey() / 255) ** 1.8).round().astype(np.uint8)
    return Sample(JPEG, saved(grey(), "JPEG", icc_profile=profile, **FULL), rgb_of(shown), tolerance=4)

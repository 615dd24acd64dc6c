"""Damage is judged by missing pixels: a missing end marker costs none. Overwritten data gives a warning."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image

from segmentation import pictures
from segmentation.errors import PictureError
from segmentation.pictures.jpeg_damage import is_zeroed
from segmentation.pictures.probe import DAMAGED
from tests.segmentation.samples import jpegs, pngs
from tests.segmentation.samples.profiles import DISPLAY_P3, rgb_profile
from tests.segmentation.samples.rows import ROWS
from tests.segmentation.samples.scene import saved, scene

# The number of bytes at the end of each file without pixel data.
ENDS = {
    "jpeg rgb baseline": 2,
    "jpeg rgb progressive": 2,
    "jpeg rgb restart markers": 2,
    "jpeg grey": 2,
    "jpeg cmyk adobe inverted": 2,
    "jpeg ycck": 2,
    "jpeg profile p3": 2,
    "jpeg orientation 6": 2,
    "png rgb 8 bit": 16,
    "png rgba 16 bit interlaced": 16,
    "png palette 4 bit": 16,
    "png grey 1 bit interlaced": 16,
    "png orientation 6": 16,
    "gif": 2,
    "gif interlaced": 2,
    "bmp rgb 24 bit": 1,
    "bmp palette 8 bit": 3,
    "jp2 rgb": 2,
    "jp2 tiled": 2,
    "jp2 code stream alone": 2,
    "pnm ppm plain": 1,
}


@pytest.mark.parametrize("name", ENDS)
def test_a_file_that_lacks_only_its_end_marker_is_accepted(name: str) -> None:
    data = ROWS[name]().data
    whole = pictures.decode(data)
    for missing in range(1, ENDS[name] + 1):
        decoded = pictures.decode(data[:-missing])
        np.testing.assert_array_equal(decoded.rgb, whole.rgb)
        assert (decoded.alpha is None) == (whole.alpha is None)
        assert decoded.info == whole.info


@pytest.mark.parametrize("name", sorted(set(ENDS) | {"tiff rgb none", "tiff cmyk none", "ico bitmap 1 bit"}))
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_file_that_lacks_pixels_is_refused(name: str, share: float) -> None:
    data = ROWS[name]().data
    with pytest.raises(PictureError) as caught:
        pictures.decode(data[: int(len(data) * share)])
    assert caught.value.code in {"truncated_picture", "broken_picture"}


@pytest.mark.parametrize(
    "name", sorted(name for name in ROWS if name.startswith(("jpeg", "png", "tiff", "gif")))
)
def test_truncation_never_changes_pixels_silently(name: str) -> None:
    """Truncated by each of up to forty bytes: refused, warned about, or every pixel correct."""
    data = ROWS[name]().data
    whole = pictures.decode(data)
    for missing in range(1, 41):
        try:
            decoded = pictures.decode(data[:-missing])
        except PictureError:
            continue
        assert np.array_equal(decoded.rgb, whole.rgb) or DAMAGED in decoded.info.warnings


def photo(**options: object) -> bytes:
    """A JPEG with detail in every block."""
    random = np.random.default_rng(3)
    noise = random.integers(0, 40, (320, 480, 3))
    return saved((scene(480, 320) // 2 + noise).astype(np.uint8), "JPEG", **options)


DESTROYED = {
    "zeros": lambda size: bytes(size),
    "noise": lambda size: np.random.default_rng(8).bytes(size).replace(b"\xff", b"\xfe"),
}


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}, {"icc_profile": True}])
@pytest.mark.parametrize("filling", DESTROYED)
def test_a_destroyed_half_of_a_jpeg_gives_a_warning(filling: str, options: dict[str, object]) -> None:
    if "icc_profile" in options:
        options = {"icc_profile": rgb_profile(DISPLAY_P3, None)}
    data = photo(**options)
    size = 2000
    middle = len(data) // 2
    broken = data[:middle] + DESTROYED[filling](size) + data[middle + size :]
    assert DAMAGED in pictures.decode(broken).info.warnings
    assert DAMAGED not in pictures.decode(data).info.warnings


def test_a_run_of_ones_is_refused() -> None:
    """It is a marker: no decoder reads on after it."""
    data = photo()
    with pytest.raises(PictureError):
        pictures.decode(data[: len(data) // 2] + b"\xff" * 2000 + data[len(data) // 2 + 2000 :])


@pytest.mark.parametrize("progressive", [False, True])
def test_zeros_are_detected_without_the_decoder(progressive: bool) -> None:
    """Their codes may end at the right place by chance: then the decoder reports nothing."""
    data = photo(progressive=progressive)
    # In a progressive file, a scan that codes coefficients for the first time: one of the last.
    middle = data.index(b"\xff\xda") + 400 if not progressive else _scan_of_coefficients(data) + 40
    assert is_zeroed(data[:middle] + bytes(400) + data[middle + 400 :])
    assert not is_zeroed(data[:middle] + bytes(100) + data[middle + 100 :])
    assert not is_zeroed(data)


def _scan_of_coefficients(data: bytes) -> int:
    """Returns the first scan of AC coefficients of the luminance."""
    at = data.index(b"\xff\xda")
    while not (data[at + 4] == 1 and data[at + 7] and not data[at + 9] >> 4):
        at = data.index(b"\xff\xda", at + 2)
    return at


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("level", [0, 255])
def test_a_flat_picture_does_not_count_as_damaged(level: int, progressive: bool, optimize: bool) -> None:
    """With its own Huffman tables, a flat area may be all zeros."""
    flat = np.full((1200, 1600, 3), level, np.uint8)
    flat[:50, :50] = scene(50, 50)
    data = saved(flat, "JPEG", progressive=progressive, optimize=optimize)
    assert pictures.decode(data).info.warnings == ()
    assert pictures.decode(data[:-2]).info.warnings == ()


def test_zeros_at_the_end_of_a_broken_download_are_refused() -> None:
    data = photo()
    with pytest.raises(PictureError) as caught:
        pictures.decode(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert caught.value.code == "truncated_picture"


def test_zeros_after_all_pixels_are_not_damage() -> None:
    """A file on a medium with whole sectors."""
    data = photo()
    decoded = pictures.decode(data[:-2] + bytes(4096))
    np.testing.assert_array_equal(decoded.rgb, pictures.decode(data).rgb)
    assert decoded.info.warnings == ()


def test_stray_bytes_before_the_end_marker_give_a_warning() -> None:
    data = photo()
    assert pictures.decode(data[:-2] + b"\x12\x34" * 20 + data[-2:]).info.warnings == (DAMAGED,)


def test_a_cmyk_jpeg_is_checked_for_damage() -> None:
    data = saved(Image.fromarray(scene(200, 200)).convert("CMYK"), "JPEG")
    assert pictures.decode(data).info.warnings == ()
    middle = len(data) * 2 // 3
    assert DAMAGED in pictures.decode(data[:middle] + data[-2:]).info.warnings


def test_odd_markers_in_the_header_are_not_damage() -> None:
    """libjpeg warns about them, too."""
    adobe = jpegs.segment(0xEE, b"Adobe\0\x64\0\0\0\0\x07")
    data = jpegs.with_segments(photo(), adobe)
    assert DAMAGED not in pictures.decode(data).info.warnings


def test_a_png_with_a_wrong_pixel_checksum_gives_a_warning() -> None:
    data = bytearray(pngs.png(scene(), 8, 2))
    data[-16] ^= 1  # the last byte of the checksum of IDAT
    decoded = pictures.decode(bytes(data))
    np.testing.assert_array_equal(decoded.rgb, scene())
    assert decoded.info.warnings == (DAMAGED,)


def test_a_png_truncated_within_a_row_is_refused() -> None:
    raw = b"".join(b"\0" + row.tobytes() for row in scene())
    data = pngs.SIGNATURE + pngs.header(37, 23, 8, 2) + pngs.chunk(b"IDAT", zlib.compress(raw[:-30]))
    with pytest.raises(PictureError) as caught:
        pictures.decode(data)
    assert caught.value.code == "truncated_picture"


def test_a_webp_with_truncated_metadata_decodes_with_a_warning() -> None:
    data = ROWS["webp orientation 1"]().data
    decoded = pictures.decode(data[:-5])
    np.testing.assert_array_equal(decoded.rgb, scene())
    assert decoded.info.warnings == (DAMAGED,)


def test_a_reduced_jpeg_is_checked_for_truncation() -> None:
    data = photo()
    assert pictures.decode_reduced(data[:-2], 100).rgb.shape == (160, 240, 3)
    with pytest.raises(PictureError) as caught:
        pictures.decode_reduced(data[: len(data) // 2], 100)
    assert caught.value.code == "truncated_picture"

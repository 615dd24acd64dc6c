"""Accepted file objects and formats, and the information and errors about them."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation import pictures
from segmentation.errors import PictureError
from segmentation.pictures import Limits, exif, refusals
from tests.segmentation.samples import pngs, tiffs
from tests.segmentation.samples.registry import FULL
from tests.segmentation.samples.scene import HEIGHT, WIDTH, exif_block, grey, saved, scene


def refusal(file: pictures.PictureSource, limits: Limits | None = None) -> PictureError:
    with pytest.raises(PictureError) as caught:
        pictures.decode(file, limits)
    return caught.value


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, io.BytesIO])
def test_accepted_file_objects(form: type) -> None:
    np.testing.assert_array_equal(pictures.decode(form(saved(scene(), "PNG"))).rgb, scene())


@pytest.mark.parametrize("form", [str, Path])
def test_paths(form: type, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(saved(scene(), "PNG"))
    np.testing.assert_array_equal(pictures.decode(form(path)).rgb, scene())


def test_the_position_of_a_file_object_is_restored() -> None:
    file = io.BytesIO(saved(scene(), "PNG"))
    file.seek(5)
    pictures.inspect(file)
    pictures.decode(file)
    assert file.tell() == 5


def test_a_missing_path_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pictures.decode(tmp_path / "none.png")


def test_info_names_format_type_and_extension() -> None:
    info = pictures.inspect(saved(scene(), "JPEG", **FULL))
    assert info == pictures.PictureInfo("jpeg", WIDTH, HEIGHT, "image/jpeg", "jpg", ())


def test_name_and_content_type_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(scene(), "WEBP", lossless=True))
    assert pictures.decode(path).info.format == "webp"


def test_empty_file() -> None:
    error = refusal(b"")
    assert error.code == "empty_file"
    assert error.sentence == "The file is empty (0 bytes). Send it again, or choose another one."


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"Dear Sir or Madam", "not a picture"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"PK\x03\x04" + b"\0" * 30, "archive"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "video"),
        (b"\0\0\2\0\1\0", "cursor"),
        (b"\0\5\x16\7\0\2\0\0", "macOS"),
        (b"\xff\x0a\xfa", "JPEG XL"),
        (b"II*\0\x10\0\0\0CR\2\0", "raw"),
        (b"GIF", "not a picture"),
        (b"\x89PN", "not a picture"),
        (b"BM but text", "not a picture"),
    ],
)
def test_advice_for_other_kinds_of_file(content: bytes, word: str) -> None:
    error = refusal(content)
    assert error.code == "unsupported_format"
    assert word in error.sentence


def test_too_many_bytes() -> None:
    data = saved(scene(), "PNG")
    error = refusal(data, Limits(max_bytes=len(data) - 1))
    assert error.code == "too_many_bytes"
    assert pictures.decode(data, Limits(max_bytes=len(data))).info.width == WIDTH


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_too_many_pixels_and_too_large_side(format: str) -> None:
    data = saved(scene(), format)
    error = refusal(data, Limits(max_pixels=WIDTH * HEIGHT - 1))
    assert error.code == "too_many_pixels"
    assert f"{WIDTH} × {HEIGHT}" in error.sentence
    assert refusal(data, Limits(max_side=WIDTH - 1)).code == "too_large_side"
    pictures.decode(data, Limits(max_pixels=WIDTH * HEIGHT, max_side=WIDTH))


@pytest.mark.parametrize("format", ["GIF", "TIFF"])
def test_pillows_own_limit_is_disabled(format: str) -> None:
    data = saved(Image.new("1", (14_000, 13_000)), format)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pictures.inspect(data, Limits(max_pixels=182_000_000)).width == 14_000
        assert Image.MAX_IMAGE_PIXELS is None


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_truncated(format: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    data = saved(noise, format)
    assert refusal(data[: len(data) * 2 // 3]).code == "truncated_picture"


def test_exif_is_kept_with_orientation_1() -> None:
    data = saved(scene(), "JPEG", exif=b"Exif\0\0" + exif_block(6))
    decoded = pictures.decode(data)
    assert (decoded.info.width, decoded.info.height) == (HEIGHT, WIDTH)
    assert decoded.exif is not None
    kept = Image.Exif()
    kept.load(decoded.exif)
    assert dict(kept) == {271: "Maker", 274: 1}


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_of_either_byte_order_and_width(order: str) -> None:
    mark = b"II" if order == "<" else b"MM"
    for kind, letter in ((3, "H"), (4, "I")):
        value = struct.pack(order + letter, 8).ljust(4, b"\0")
        block = mark + struct.pack(order + "HIHHHI", 42, 8, 1, 274, kind, 1) + value + b"\0\0\0\0"
        assert exif.orientation(block) == 8
        kept = exif.sanitised(block)
        assert kept is not None
        assert exif.orientation(kept) == 1
        assert len(kept) == len(block)


@pytest.mark.parametrize("block", [b"", b"II", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"])
def test_broken_exif_means_upright(block: bytes) -> None:
    assert exif.orientation(block) == 1
    assert exif.sanitised(block) in (block, None)


def test_invalid_exif_is_dropped() -> None:
    data = saved(scene(), "WEBP", lossless=True, exif=b"<x:xmpmeta/>" * 5)
    assert pictures.decode(data).exif is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_exif_thumbnail_is_blanked(order: str) -> None:
    thumbnail = b"old background"
    directory = struct.pack(order + "HHHIHHIH", 1, 274, 3, 1, 6, 0, 26, 2)
    directory += struct.pack(order + "HHIIHHIII", 513, 4, 1, 56, 514, 4, 1, len(thumbnail), 0)
    block = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8) + directory + thumbnail
    assert block[56:] == thumbnail
    kept = exif.sanitised(block)
    assert kept is not None
    assert thumbnail not in kept
    assert kept[22:26] == b"\0\0\0\0"


def test_reduced_jpeg_keeps_the_wanted_side() -> None:
    data = saved(scene(1600, 1000), "JPEG", **FULL)
    small = pictures.decode_reduced(data, 320)
    assert small.rgb.shape == (500, 800, 3)
    assert (small.info.width, small.info.height) == (1600, 1000)
    shrunk = np.asarray(Image.fromarray(scene(1600, 1000)).reduce(2))
    assert np.abs(small.rgb.astype(int) - shrunk).max() <= 3


@pytest.mark.parametrize(
    ("side", "shape"), [(125, (125, 200)), (126, (250, 400)), (1001, (1000, 1600)), (5000, (1000, 1600))]
)
def test_reduced_jpeg_steps(side: int, shape: tuple[int, int]) -> None:
    data = saved(scene(1600, 1000), "JPEG")
    assert pictures.decode_reduced(data, side).rgb.shape == (*shape, 3)


def test_reduced_is_upright() -> None:
    data = saved(scene(1600, 1000), "JPEG", exif=b"Exif\0\0" + exif_block(6))
    assert pictures.decode_reduced(data, 250).rgb.shape == (400, 250, 3)


def test_other_formats_are_not_reduced() -> None:
    data = saved(scene(1600, 1000), "PNG")
    np.testing.assert_array_equal(pictures.decode_reduced(data, 100).rgb, scene(1600, 1000))


def test_warnings_are_sentences() -> None:
    frames = [Image.fromarray(scene()), Image.fromarray(scene()[::-1].copy())]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pictures.inspect(data).warnings == (
        "The file holds several pictures or frames; only the first is used.",
    )


def test_import_is_light() -> None:
    code = (
        "import sys, segmentation.pictures; "
        "print([m for m in ('cv2', 'pi_heif', 'isal', 'torch', 'PIL.ImageCms') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _jpeg() -> bytes:
    return saved(scene(), "JPEG", **FULL)


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        (
            "12-bit JPEG",
            lambda: _jpeg().replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"),
            "unsupported_variant",
        ),
        ("lossless JPEG", lambda: _jpeg().replace(b"\xff\xc0", b"\xff\xc3"), "unsupported_variant"),
        ("JPEG of no height", lambda: _jpeg().replace(HEIGHT.to_bytes(2), b"\0\0", 1), "broken_picture"),
        (
            "JPEG with noise in its tables",
            lambda: _jpeg().replace(b"\xff\xc4\0", b"\xff\xc4\xff"),
            "truncated_picture",
        ),
        (
            "TIFF of floats",
            lambda: tiffs.tiff(scene(), 8, 2, tags={339: (3, [3, 3, 3])}),
            "unsupported_variant",
        ),
        ("TIFF of 32 bits", lambda: tiffs.tiff(grey().astype(int), 32, 1), "unsupported_variant"),
        ("TIFF of 7 channels", lambda: tiffs.tiff(np.zeros((5, 5, 7), int), 8, 2), "unsupported_variant"),
        ("DNG", lambda: tiffs.tiff(scene(), 8, 2, tags={50706: (1, [1, 4, 0, 0])}), "unsupported_format"),
        (
            "camera's raw file with a preview first",
            lambda: tiffs.tiff(scene(), 8, 2, tags={254: (4, [1]), 330: (4, [8])}),
            "unsupported_format",
        ),
        ("PNG without a palette", lambda: pngs.png(grey(), 8, 3), "broken_picture"),
        ("PNG of depth 3", lambda: pngs.SIGNATURE + pngs.header(1, 1, 3, 0) + b"\0" * 12, "broken_picture"),
        (
            "PNG with a wrong checksum",
            lambda: saved(scene(), "PNG")[:-20] + b"\0" * 4 + saved(scene(), "PNG")[-16:],
            "broken_picture",
        ),
        (
            "PNG of 100,001 chunks",
            lambda: pngs.png(scene(), 8, 2, before=pngs.chunk(b"IDAT", b"") * 100_001),
            "too_complex",
        ),
        (
            "moving AVIF without a still picture",
            lambda: b"\0\0\0\x14ftypavis\0\0\0\0avis\0\0\0\x08moov",
            "unsupported_variant",
        ),
    ],
)
def test_refused_files(name: str, make: Callable[[], bytes], code: str) -> None:
    assert refusal(make()).code == code, name


def test_every_refusal_gives_advice() -> None:
    limits = Limits()
    refused = [
        refusals.empty_file(),
        refusals.unsupported_format(b"?" * 16),
        refusals.raw_photo(),
        refusals.unsupported_variant("TIFF", "seven channels"),
        refusals.broken_picture("PNG"),
        refusals.truncated_picture("PNG"),
        refusals.too_many_bytes(10**9, limits),
        refusals.too_many_pixels(9_000, 9_000, limits),
        refusals.too_large_side(90_000, 9, limits),
        refusals.too_complex("GIF", "a reason"),
        refusals.out_of_memory(),
    ]
    verbs = ("Save", "Send", "send", "Open", "Scale", "Copy", "Try", "Supported formats", "Develop")
    for error in refused:
        assert error.code.replace("_", "").isalpha()
        assert error.sentence.endswith(".")
        assert any(verb in error.sentence for verb in verbs)

"""Every output format stores the given pixels, as other decoders read them."""

from __future__ import annotations

import io
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from segmentation import pictures
from segmentation.encode import FORMATS, encode, png
from segmentation.errors import PictureError
from tests.segmentation.samples.scene import HEIGHT, WIDTH, exif_block, ramp, rgb_of, scene

ODD_SIZES = [(1, 1), (1, 2), (2, 1), (1, 1000), (1000, 1), (3, 5), (7, 4099), (301, 17)]


def noise(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng([width, height])
    alpha = random.integers(0, 256, (height, width), np.uint8)
    alpha[random.random((height, width)) < 0.3] = 0
    return random.integers(0, 256, (height, width, 3), np.uint8), alpha


def shown(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """H×W×4 with colour 0 where alpha is 0."""
    return np.dstack([np.where(alpha[..., None] == 0, 0, rgb), alpha]).astype(np.uint8)


def by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def by_opencv(data: bytes) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = {2: ..., 3: (..., [2, 1, 0]), 4: (..., [2, 1, 0, 3])}
    key = order[4 if found.ndim == 3 and found.shape[2] == 4 else found.ndim]
    return found[key]


@pytest.mark.parametrize(("width", "height"), ODD_SIZES)
@pytest.mark.parametrize("band_bytes", [1, 4096, png.BAND_BYTES])
def test_png_reads_the_same_in_other_decoders(
    width: int, height: int, band_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png, "BAND_BYTES", band_bytes)
    rgb, alpha = noise(width, height)
    for colours, matte, wanted in (
        (rgb, alpha, shown(rgb, alpha)),
        (rgb, None, rgb),
        (None, alpha, alpha),
    ):
        encoded = encode(colours, matte, "png")
        assert (encoded.width, encoded.height) == (width, height)
        assert (encoded.media_type, encoded.extension) == ("image/png", "png")
        np.testing.assert_array_equal(by_pillow(encoded.data), wanted)
        np.testing.assert_array_equal(by_opencv(encoded.data), wanted)


def test_png_of_many_bands() -> None:
    rgb, alpha = scene(1200, 900), ramp(1200, 900)
    np.testing.assert_array_equal(by_pillow(encode(rgb, alpha, "png").data), shown(rgb, alpha))


def test_png_chunks_are_intact() -> None:
    data = encode(scene(), ramp(), "png", exif=exif_block(1)).data
    names, position = [], 8
    while position < len(data):
        length = int.from_bytes(data[position : position + 4])
        body = data[position + 4 : position + 8 + length]
        assert zlib.crc32(body) == int.from_bytes(data[position + 8 + length : position + 12 + length])
        names.append(body[:4])
        position += 12 + length
    assert names == [b"IHDR", b"sRGB", b"eXIf", b"IDAT", b"IDAT", b"IDAT", b"IEND"]


def test_png_is_one_zlib_stream_with_its_checksum() -> None:
    rgb, alpha = noise(700, 900)
    data, position, stream = encode(rgb, alpha, "png").data, 8, b""
    while position < len(data):
        length = int.from_bytes(data[position : position + 4])
        if data[position + 4 : position + 8] == b"IDAT":
            stream += data[position + 8 : position + 8 + length]
        position += 12 + length
    unpacker = zlib.decompressobj()
    rows = unpacker.decompress(stream)
    assert unpacker.eof
    assert unpacker.unused_data == b""
    assert len(rows) == 900 * (1 + 700 * 4)


def test_encoding_is_deterministic() -> None:
    rgb, alpha = noise(1500, 700)
    assert encode(rgb, alpha, "png").data == encode(rgb, alpha, "png").data
    assert encode(rgb, alpha, "zip").data == encode(rgb, alpha, "zip").data


@pytest.mark.parametrize("format", ["png", "webp"])
def test_views_of_arrays_are_encoded(format: str) -> None:
    rgb, alpha = scene()[::-1, ::-1], ramp()[::-1, ::-1]
    assert not rgb.flags.c_contiguous
    np.testing.assert_array_equal(pictures.decode(encode(rgb, alpha, format).data).alpha, alpha)


def test_exif_is_kept_or_stripped() -> None:
    for format in ("png", "jpeg", "webp", "avif"):
        kept = pictures.decode(encode(scene(), None, format, exif=exif_block(1)).data)
        assert kept.exif is not None
        exif = Image.Exif()
        exif.load(kept.exif)
        assert exif[271] == "Maker"
        assert pictures.decode(encode(scene(), None, format).data).exif is None


def test_webp_lossless_is_exact() -> None:
    rgb, alpha = noise(61, 43)
    decoded = pictures.decode(encode(rgb, alpha, "webp", lossless=True).data)
    np.testing.assert_array_equal(decoded.alpha, alpha)
    np.testing.assert_array_equal(decoded.rgb[alpha > 0], rgb[alpha > 0])


@pytest.mark.parametrize(("format", "tolerance"), [("webp", 14), ("jpeg", 6), ("avif", 10)])
def test_lossy_colours_are_close(format: str, tolerance: int) -> None:
    encoded = encode(scene(200, 120), None, format)
    decoded = pictures.decode(encoded.data)
    assert decoded.info.media_type == encoded.media_type
    assert np.abs(decoded.rgb.astype(int) - scene(200, 120)).max() <= tolerance


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_lossy_alpha_is_close(format: str) -> None:
    decoded = pictures.decode(encode(scene(200, 120), ramp(200, 120), format).data)
    assert decoded.alpha is not None
    assert np.abs(decoded.alpha.astype(int) - ramp(200, 120)).max() <= 3


@pytest.mark.parametrize("format", ["png", "webp", "jpeg", "avif"])
def test_the_matte_alone_is_a_grey_picture(format: str) -> None:
    decoded = pictures.decode(encode(None, ramp(), format).data)
    assert decoded.alpha is None
    assert np.abs(decoded.rgb.astype(int) - rgb_of(ramp())).max() <= (0 if format == "png" else 8)


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_quality_changes_size(format: str) -> None:
    rgb, _ = noise(100, 100)
    small, large = (len(encode(rgb, None, format, quality=quality).data) for quality in (20, 95))
    assert small < large


def test_zip_of_colour_and_matte() -> None:
    encoded = encode(scene(), ramp(), "zip")
    assert (encoded.media_type, encoded.extension) == ("application/zip", "zip")
    with zipfile.ZipFile(io.BytesIO(encoded.data)) as archive:
        assert archive.namelist() == ["color.jpg", "alpha.png"]
        assert archive.testzip() is None
        colour, matte = by_pillow(archive.read("color.jpg")), by_pillow(archive.read("alpha.png"))
    assert colour.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(colour.astype(int) - scene()).max() <= 6
    np.testing.assert_array_equal(matte, ramp())


def test_zip_of_an_opaque_picture_has_a_full_matte() -> None:
    with zipfile.ZipFile(io.BytesIO(encode(scene(), None, "zip").data)) as archive:
        assert by_pillow(archive.read("alpha.png")).min() == 255


def test_jpeg_refuses_alpha() -> None:
    with pytest.raises(PictureError) as caught:
        encode(scene(), ramp(), "jpeg")
    assert caught.value.code == "no_alpha"
    assert "Choose a background" in caught.value.sentence


@pytest.mark.parametrize(
    ("format", "side"), [("webp", 16_384), ("jpeg", 65_501), ("avif", 65_537), ("zip", 65_501)]
)
def test_sides_beyond_a_formats_limit_are_refused(format: str, side: int) -> None:
    with pytest.raises(PictureError) as caught:
        encode(np.zeros((1, side, 3), np.uint8), None, format)
    assert caught.value.code == "too_large_for_format"
    assert str(FORMATS[format].max_side) in caught.value.sentence


@pytest.mark.parametrize("format", ["webp", "jpeg"])
def test_the_longest_side_of_a_format_is_accepted(format: str) -> None:
    side = FORMATS[format].max_side
    encoded = encode(np.full((2, side, 3), 77, np.uint8), None, format)
    decoded = pictures.decode(encoded.data, pictures.Limits(max_side=side))
    assert decoded.rgb.shape == (2, side, 3)


def test_invalid_arguments_are_refused() -> None:
    for arguments, options in (
        ((None, None, "png"), {}),
        ((scene(), None, "bmp"), {}),
        ((scene(), None, "jpeg"), {"quality": 0}),
        ((scene(), None, "jpeg"), {"quality": 101}),
        ((scene(), None, "png"), {"lossless": True}),
        ((scene(), ramp(5, 5), "png"), {}),
        ((scene().astype(float), None, "png"), {}),
        ((ramp(), None, "png"), {}),
        ((np.zeros((0, 5, 3), np.uint8), None, "png"), {}),
        ((None, ramp(), "zip"), {}),
    ):
        with pytest.raises(ValueError, match=r"."):
            encode(*arguments, **options)

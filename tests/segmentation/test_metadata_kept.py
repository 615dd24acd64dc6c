"""Resolution, artist and copyright: read from every format, and kept if the result's format can store
them."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from PIL import Image, PngImagePlugin

from segmentation import pictures
from segmentation.encode import encode
from segmentation.pictures import exif
from tests.segmentation.samples.scene import exif_block, saved, scene

ARTIST, COPYRIGHT = 315, 33432
NAMES = {ARTIST: "Grace Hopper", COPYRIGHT: "2026 Rear Admiral"}


def tags(data: bytes) -> dict[int, object]:
    with Image.open(io.BytesIO(data)) as image:
        return dict(image.getexif())


def texts_of_png() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", NAMES[ARTIST])
    info.add_itxt("Copyright", NAMES[COPYRIGHT], zip=True)
    info.add_text("Comment", "not kept")
    return info


def block(**extra: object) -> bytes:
    made = Image.Exif()
    made.update(NAMES)
    made.update({282: 300.0, 283: 300.0, 296: 2})
    return made.tobytes()


SOURCES = {
    "jfif": lambda: saved(scene(), "JPEG", dpi=(300, 300), exif=exif_of(NAMES)),
    "exif in jpeg": lambda: saved(scene(), "JPEG", exif=block()),
    "png": lambda: saved(scene(), "PNG", dpi=(300, 300), pnginfo=texts_of_png()),
    "exif in png": lambda: saved(scene(), "PNG", exif=block()),
    "webp": lambda: saved(scene(), "WEBP", lossless=True, exif=block()),
    "avif": lambda: saved(scene(), "AVIF", exif=block()),
    "tiff": lambda: saved(scene(), "TIFF", dpi=(300, 300), artist=NAMES[ARTIST], copyright=NAMES[COPYRIGHT]),
}


def exif_of(values: dict[int, str]) -> bytes:
    made = Image.Exif()
    made.update(values)
    return made.tobytes()


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif", "zip"])
def test_metadata_is_kept_in_every_format(name: str, format: str) -> None:
    picture = pictures.decode(SOURCES[name]())
    assert picture.density == (300.0, 300.0)

    data = encode(picture.rgb, None, format, exif=picture.exif, density=picture.density).data

    if format == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read("color.jpg")
    found = tags(data)
    assert {tag: found.get(tag) for tag in NAMES} == NAMES
    assert (found[282], found[283], found[296]) == (300.0, 300.0, 2)
    if format in ("png", "jpeg", "zip"):
        with Image.open(io.BytesIO(data)) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    assert pictures.decode(data).density == (300.0, 300.0)


def test_no_metadata_is_invented() -> None:
    picture = pictures.decode(saved(scene(), "PNG"))
    assert (picture.density, picture.exif) == (None, None)
    data = encode(picture.rgb, None, "png", exif=picture.exif, density=picture.density).data
    assert b"pHYs" not in data
    assert b"eXIf" not in data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (lambda: saved(scene(), "BMP", dpi=(300, 300)), (300.0, 300.0)),
        (lambda: saved(scene(), "PNG", dpi=(72, 144)), (72.0, 144.0)),
        (
            lambda: saved(scene(), "TIFF", resolution_unit="cm", x_resolution=118.11, y_resolution=118.11),
            (300, 300),
        ),
        (lambda: saved(scene(), "TIFF", resolution_unit=1, x_resolution=300, y_resolution=300), None),
        (lambda: _jfif(2, 118, 118), (299.72, 299.72)),
        (lambda: _jfif(0, 1, 1), None),
        (lambda: _jfif(1, 0, 0), None),
        (lambda: _jfif(1, 300, 0), None),
    ],
)
def test_units(data: object, expected: tuple[float, float] | None) -> None:
    found = pictures.decode(data()).density  # type: ignore[operator]
    assert found == (None if expected is None else pytest.approx(expected, abs=0.01))


def _tiff(unit: object, both: float) -> bytes:
    return saved(scene(), "TIFF", resolution_unit=unit, x_resolution=both, y_resolution=both)


def _jfif(unit: int, across: int, down: int) -> bytes:
    data = saved(scene(), "JPEG")
    at = data.index(b"JFIF\0") + 7
    return data[:at] + struct.pack(">BHH", unit, across, down) + data[at + 5 :]


def test_jpeg_2000_stores_the_resolution_in_a_box() -> None:
    data = saved(scene(), "JPEG2000")
    at = data.index(b"jp2h") - 4
    inner = struct.pack(">I4s4H2b", 18, b"resc", 11811, 1, 11811, 1, 0, 0)
    box = struct.pack(">I4s", 8 + len(inner), b"res ") + inner
    size = int.from_bytes(data[at : at + 4])
    longer = data[:at] + (size + len(box)).to_bytes(4) + data[at + 4 : at + size] + box + data[at + size :]
    assert pictures.decode(longer).density == (300.0, 300.0)


def test_the_resolution_of_a_rotated_picture_is_rotated() -> None:
    data = saved(scene(), "JPEG", dpi=(72, 144), exif=b"Exif\0\0" + exif_block(6))
    assert pictures.decode(data).density == (144.0, 72.0)


def test_existing_exif_fields_are_kept() -> None:
    """A resolution and a name in EXIF are not overwritten."""
    old = exif.sanitised(block().removeprefix(b"Exif\0\0"))
    assert old is not None
    assert exif.with_missing_fields(old, (72.0, 72.0), {ARTIST: "Somebody else"}) == old


@pytest.mark.parametrize("cut", [9, 12, 20, 30])
def test_a_damaged_block_is_unchanged(cut: int) -> None:
    broken = exif_block(1)[:cut]
    assert exif.with_missing_fields(broken, (300.0, 300.0), NAMES) in (broken, None)


def test_a_completed_block_keeps_its_other_fields() -> None:
    made = exif.with_missing_fields(exif_block(1), (300.0, 300.0), NAMES)
    assert made is not None
    found = Image.Exif()
    found.load(made)
    assert (found[271], found[ARTIST], found[282]) == ("Maker", NAMES[ARTIST], 300.0)
    assert exif.orientation(made) == 1
    assert exif.density_of(made) == (300.0, 300.0)


def test_long_and_empty_texts() -> None:
    made = exif.with_missing_fields(None, None, {ARTIST: "x" * 100_000, COPYRIGHT: " \0"})
    assert made is not None
    found = Image.Exif()
    found.load(made)
    assert (len(str(found[ARTIST])), COPYRIGHT in found) == (exif.MAX_TEXT_BYTES, False)
    assert exif.with_missing_fields(None, None, {COPYRIGHT: "  "}) is None

"""Choosing the picture in a multi-page file: the full one, never a thumbnail or a mask."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from segmentation import pictures
from tests.segmentation.samples.scene import Pixels, saved, scene

FULL, THUMBNAIL, PAGE, MASK = 0, 1, 2, 4
SMALL = scene(9, 5)


def tiff(*pages: tuple[Pixels, dict[int, int]]) -> bytes:
    """Returns a TIFF of pages in this order, each with its own tags."""
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out, True) as writer:
        for pixels, extra in pages:
            image = Image.fromarray(pixels)
            image.save(writer, "TIFF", tiffinfo=extra)
            writer.newFrame()
    return out.getvalue()


SEVERAL = ("The file holds several pictures or frames; only the first is used.",)


@pytest.mark.parametrize(
    ("pages", "warnings"),
    [
        ([(SMALL, {254: THUMBNAIL}), (scene(), {254: FULL})], ()),
        ([(SMALL, {255: 2}), (scene(), {255: 1})], ()),
        ([(SMALL, {254: THUMBNAIL}), (SMALL, {254: MASK}), (scene(), {})], ()),
        ([(scene(), {254: FULL}), (SMALL, {254: THUMBNAIL})], ()),
        ([(scene(), {}), (SMALL, {254: MASK})], ()),
        ([(SMALL, {254: THUMBNAIL}), (scene(), {254: PAGE}), (SMALL, {254: PAGE})], SEVERAL),
        ([(scene(), {254: PAGE}), (SMALL, {254: PAGE})], SEVERAL),
    ],
)
def test_the_full_picture_of_a_tiff_is_decoded(
    pages: list[tuple[Pixels, dict[int, int]]], warnings: tuple[str, ...]
) -> None:
    decoded = pictures.decode(tiff(*pages))
    np.testing.assert_array_equal(decoded.rgb, scene())
    assert decoded.info.warnings == warnings


def test_a_tiff_with_only_thumbnails_decodes_the_first() -> None:
    data = tiff((scene(), {254: THUMBNAIL}), (SMALL, {254: THUMBNAIL}))
    np.testing.assert_array_equal(pictures.decode(data).rgb, scene())


@pytest.mark.parametrize("place", [8, 2**31, 2**32 - 1])
def test_a_broken_directory_chain(place: int) -> None:
    """A loop, or an offset outside the file."""
    data = saved(scene(), "TIFF")
    start = int.from_bytes(data[4:8], "little")
    link = start + 2 + 12 * int.from_bytes(data[start : start + 2], "little")
    target = start if place == 8 else place
    broken = data[:link] + target.to_bytes(4, "little") + data[link + 4 :]
    np.testing.assert_array_equal(pictures.decode(broken).rgb, scene())


def test_the_largest_picture_of_an_icon_is_decoded() -> None:
    image = Image.fromarray(scene(64, 64))
    data = saved(image, "ICO", sizes=[(16, 16), (64, 64), (32, 32)])
    info = pictures.inspect(data)
    assert (info.format, info.width, info.height) == ("ico", 64, 64)

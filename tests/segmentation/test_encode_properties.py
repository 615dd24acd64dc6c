"""Encoding and decoding round-trips, for any pixels and any size."""

from __future__ import annotations

import contextlib
import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segmentation import pictures
from segmentation.encode import encode, png
from segmentation.errors import PictureError
from segmentation.pictures import exif

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@st.composite
def cut_outs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    height, width = draw(SIZES)
    values = st.sampled_from([0, 1, 127, 128, 254, 255]) | st.integers(0, 255)
    rgb = draw(arrays.arrays(np.uint8, (height, width, 3), elements=values))
    return rgb, draw(arrays.arrays(np.uint8, (height, width), elements=values))


@settings(deadline=None, max_examples=60)
@given(cut_outs(), st.sampled_from(["png", "webp"]))
def test_lossless_round_trip(cut_out: tuple[np.ndarray, np.ndarray], format: str) -> None:
    rgb, alpha = cut_out
    decoded = pictures.decode(encode(rgb, alpha, format, lossless=format == "webp").data)
    found = np.full(alpha.shape, 255) if decoded.alpha is None else decoded.alpha
    np.testing.assert_array_equal(found, alpha)
    np.testing.assert_array_equal(decoded.rgb[alpha > 0], rgb[alpha > 0])
    if format == "png":
        assert not decoded.rgb[alpha == 0].any()


BLOCKS = st.builds(
    lambda mark, rest: mark + rest,
    st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]),
    st.binary(max_size=200) | st.just(b"\0" * 70_000),
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["png", "webp", "jpeg", "avif", "zip"]), BLOCKS)
def test_no_exif_block_breaks_an_encoder(format: str, block: bytes) -> None:
    kept = exif.sanitised(block)
    encoded = encode(np.full((2, 3, 3), 90, np.uint8), None, format, exif=kept)
    if format != "zip":
        assert pictures.decode(encoded.data).rgb.shape == (2, 3, 3)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_combined_checksums(first: bytes, second: bytes) -> None:
    joined = png.adler32_combine(zlib.adler32(first), zlib.adler32(second), len(second))
    assert joined == zlib.adler32(first + second)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["png", "webp", "jpeg", "avif"]),
    st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 255)), max_size=6),
    st.integers(1, 2**31),
)
def test_damage_gives_a_picture_or_a_picture_error(
    format: str, changes: list[tuple[int, int]], length: int
) -> None:
    data = bytearray(ENCODED[format])
    for place, value in changes:
        data[place % len(data)] = value
    with contextlib.suppress(PictureError):
        decoded = pictures.decode(bytes(data[: 1 + length % len(data)]))
        assert decoded.rgb.shape == (decoded.info.height, decoded.info.width, 3)


ENCODED = {
    format: encode(
        np.random.default_rng(3).integers(0, 256, (19, 31, 3), np.uint8),
        None if format == "jpeg" else np.tile(np.arange(31, dtype=np.uint8) * 8, (19, 1)),
        format,
    ).data
    for format in ("png", "webp", "jpeg", "avif")
}

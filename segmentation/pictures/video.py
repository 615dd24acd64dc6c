"""The actual coded size of HEVC and AV1 data, independent of the container.

HEIC and AVIF declare a picture's size in a box of its own (ispe), but the decoder allocates memory by the
coded sequence header. Both are read, so that a small number in one cannot hide a large one in the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from segmentation.pictures.bits import Bits

_HEVC_SPS = 33
_AV1_SEQUENCE = 1
# A sequence header has a few dozen bytes.
_HEADER_BYTES = 512
_MAX_UNITS = 10_000


def hevc_sizes(config: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """Yields the sizes in all sequence parameter sets of an hvcC box and of its item's data. Raises
    ValueError if they are malformed.
    """
    if len(config) < 23:
        raise ValueError("a short hvcC")
    position = 23
    for _ in range(config[22]):
        if position + 3 > len(config):
            raise ValueError("a short hvcC")
        count = int.from_bytes(config[position + 1 : position + 3])
        position += 3
        for _ in range(count):
            length = int.from_bytes(config[position : position + 2])
            yield from _sps_size(config[position + 2 : position + 2 + length])
            position += 2 + length
            if position > len(config):
                raise ValueError("a short hvcC")
    prefix = (config[21] & 3) + 1
    position = 0
    for _ in range(_MAX_UNITS):
        if position + prefix >= len(data):
            return
        length = int.from_bytes(data[position : position + prefix])
        start = position + prefix
        yield from _sps_size(data[start : start + min(length, _HEADER_BYTES)])
        position = start + length
    raise ValueError("too many units")


def _sps_size(unit: bytes) -> Iterator[tuple[int, int]]:
    """ITU-T H.265, 7.3.2.2: yields width and height in luma samples if the unit is a sequence parameter
    set."""
    if len(unit) < 3 or unit[0] >> 1 & 0x3F != _HEVC_SPS:
        return
    bits = Bits(unit[2:_HEADER_BYTES].replace(b"\x00\x00\x03", b"\x00\x00"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 88 + 8)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.exp_golomb()
    if bits.exp_golomb() == 3:
        bits.take(1)
    yield bits.exp_golomb(), bits.exp_golomb()


def av1_sizes(config: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """Yields the sizes in all sequence headers of an av1C box and of its item's data. Raises ValueError if
    they are malformed.
    """
    for content in (config[4:], data):
        position = 0
        for _ in range(_MAX_UNITS):
            if position >= len(content):
                break
            head = content[position]
            position += 1 + (head >> 2 & 1)
            if head & 2:
                length, position = _leb128(content, position)
            else:
                length = len(content) - position
            if head >> 3 & 15 == _AV1_SEQUENCE:
                yield _sequence_size(content[position : position + min(length, _HEADER_BYTES)])
            position += length
        else:
            raise ValueError("too many units")


def _leb128(content: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        if position >= len(content):
            raise ValueError("a short length")
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, position
    raise ValueError("a long length")


def _sequence_size(unit: bytes) -> tuple[int, int]:
    """AV1 specification, 5.5.1: returns the largest width and height of a frame."""
    bits = Bits(unit)
    bits.take(3 + 1)
    if bits.take(1):
        bits.take(5)
    else:
        _skip_timing(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _skip_timing(bits: Bits) -> None:
    delay_bits = 0
    if bits.take(1):
        bits.take(64)
        if bits.take(1):
            bits.exp_golomb()
        if bits.take(1):
            delay_bits = bits.take(5) + 1
            bits.take(32 + 5 + 5)
    initial_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if initial_delay and bits.take(1):
            bits.take(4)

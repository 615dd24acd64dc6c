"""PBM, PGM and PPM (Netpbm: P1 to P6), plain and raw, of 1 to 65,535 levels. Without a library.

https://netpbm.sourceforge.net/doc/ppm.html. The size is checked against the limits and against the available
bytes before an array is allocated. A file may hold several pictures; only the first is decoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from segmentation.pictures import refusals
from segmentation.pictures.probe import SEVERAL_FRAMES, Probe
from segmentation.pictures.source import Source
from segmentation.pictures.types import Pixels

LABEL = "PNM"
# A header is three numbers, with comments between them.
MAX_HEADER_BYTES = 1 << 16
_BAND_BYTES = 1 << 20
_TOKEN = re.compile(rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])+([0-9]{1,10})(?=[ \t\r\n\v\f#])")
_COMMENT = re.compile(rb"#[^\r\n]*")
_NOT_PLAIN = re.compile(rb"[^0-9 \t\r\n\v\f]")


@dataclass(frozen=True)
class _Header:
    kind: int
    width: int
    height: int
    levels: int
    start: int

    @property
    def channels(self) -> int:
        return 3 if self.kind in (3, 6) else 1

    @property
    def row_bytes(self) -> int:
        """Bytes per row of a raw file."""
        if self.kind == 4:
            return -(-self.width // 8)
        return self.width * self.channels * (2 if self.levels > 255 else 1)


def accepts(head: bytes) -> bool:
    return re.match(rb"P[1-6][ \t\r\n\v\f#]", head) is not None


def probe(source: Source) -> Probe:
    """Reads the header. Raises PictureError if it is not that of a readable PNM."""
    header = _read_header(source)
    source.check_size(header.width, header.height)
    warnings: list[str] = []
    if header.kind >= 4:
        size = header.row_bytes * header.height
        if source.size - header.start < size:
            raise refusals.truncated_picture(LABEL)
        if accepts(source.read_at(header.start + size, 3)):
            warnings.append(SEVERAL_FRAMES)
    # A plain file has at least one digit per value, and a space between two numbers.
    elif source.size - header.start < header.width * header.height * header.channels:
        raise refusals.truncated_picture(LABEL)

    def load() -> Image.Image:
        return Image.fromarray(_raw(source, header) if header.kind >= 4 else _plain(source, header))

    return Probe(format="pnm", width=header.width, height=header.height, load=load, warnings=warnings)


def _read_header(source: Source) -> _Header:
    head = source.read_at(0, MAX_HEADER_BYTES)
    kind = head[1] - ord("0")
    numbers: list[int] = []
    position = 2
    for _ in range(2 if kind in (1, 4) else 3):
        found = _TOKEN.match(head, position)
        if found is None:
            cut = len(head) == source.size and _NOT_PLAIN.search(_COMMENT.sub(b"", head[2:])) is None
            raise refusals.truncated_picture(LABEL) if cut else refusals.broken_picture(LABEL)
        numbers.append(int(found.group(1)))
        position = found.end()
    width, height, levels = (*numbers, 1)[:3]
    if not width or not height or not 1 <= levels <= 65_535:
        raise refusals.broken_picture(LABEL)
    # One whitespace character ends the header of a raw file; a comment may precede it.
    if head[position : position + 1] == b"#":
        end = re.compile(rb"[\r\n]").search(head, position)
        if end is None:
            raise refusals.broken_picture(LABEL)
        position = end.start()
    return _Header(kind, width, height, levels, position + 1)


def _raw(source: Source, header: _Header) -> Pixels:
    result = np.empty((header.height, header.width, header.channels), np.uint8)
    rows = max(1, _BAND_BYTES // header.row_bytes)
    for top in range(0, header.height, rows):
        count = min(rows, header.height - top)
        data = source.read_exactly(header.start + top * header.row_bytes, count * header.row_bytes)
        if header.kind == 4:
            bits = np.unpackbits(np.frombuffer(data, np.uint8).reshape(count, -1), axis=1)[:, : header.width]
            band = (1 - bits)[..., None] * np.uint8(255)
        else:
            samples = np.frombuffer(data, ">u2" if header.levels > 255 else np.uint8)
            band = _to_8_bits(samples, header.levels).reshape(count, header.width, header.channels)
        result[top : top + count] = band
    return result[..., 0] if header.channels == 1 else result


def _to_8_bits(samples: np.ndarray, levels: int) -> Pixels:
    """Rounds to the nearest of 256 levels; clips values above the file's maximum."""
    if levels == 255:
        return samples.astype(np.uint8)
    wide = np.minimum(samples.astype(np.uint32), levels)
    return ((wide * 255 + levels // 2) // levels).astype(np.uint8)


def _plain(source: Source, header: _Header) -> Pixels:
    wanted = header.width * header.height * header.channels
    result = np.empty(wanted, np.uint8)
    filled, position, rest = 0, header.start, b""
    while filled < wanted:
        piece = source.read_at(position, _BAND_BYTES)
        position += len(piece)
        text, rest = _whole_tokens(rest + piece, last=position >= source.size, spaced=header.kind != 1)
        values = _numbers(text, header)[: wanted - filled]
        result[filled : filled + len(values)] = values
        filled += len(values)
        if not piece and filled < wanted:
            raise refusals.truncated_picture(LABEL)
    shape = (header.height, header.width, header.channels)
    return result.reshape(shape)[..., 0] if header.channels == 1 else result.reshape(shape)


def _whole_tokens(text: bytes, *, last: bool, spaced: bool) -> tuple[bytes, bytes]:
    """Returns the text up to the last line end or space, without comments, and the rest for the next piece.

    spaced: whether spaces end a token; if not, each character is one.
    """
    if last:
        return _COMMENT.sub(b"", text), b""
    line_end = max(text.rfind(b"\n"), text.rfind(b"\r"))
    end = text.find(b"#", line_end + 1)
    if end < 0 and not spaced:
        end = len(text)
    elif end < 0:
        end = max(line_end, text.rfind(b" "), text.rfind(b"\t")) + 1
    rest = text[end:]
    if len(rest) > _BAND_BYTES:
        raise refusals.broken_picture(LABEL)
    return _COMMENT.sub(b"", text[:end]), rest


def _numbers(text: bytes, header: _Header) -> Pixels:
    if _NOT_PLAIN.search(text):
        raise refusals.broken_picture(LABEL)
    if header.kind == 1:
        # A bitmap's digits need no space between them; 1 is black.
        digits = np.frombuffer(text, np.uint8)
        digits = digits[digits > ord(" ")]
        if (digits > ord("1")).any():
            raise refusals.broken_picture(LABEL)
        return ((ord("1") - digits) * np.uint8(255)).astype(np.uint8)
    words = text.split()
    if any(len(word) > 10 for word in words):
        raise refusals.broken_picture(LABEL)
    values = np.array(words, np.int64) if words else np.empty(0, np.int64)
    if len(values) and int(values.max()) > header.levels:
        raise refusals.broken_picture(LABEL)
    return _to_8_bits(values, header.levels)

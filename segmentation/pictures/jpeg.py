"""JPEG (ITU-T T.81) headers, and a copy without anything that does not decide pixels.

Of the marker segments only tables, frame, scans, and the JFIF and Adobe marks (which decide the colour model)
are handed on. That also makes the first picture of an MPO file (CIPA DC-007) an ordinary JPEG: its others
stand after the first end-of-image mark.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, JpegImagePlugin

from segmentation.pictures import exif, refusals
from segmentation.pictures.probe import MAX_PROFILE_BYTES, PROFILE_BROKEN, PROFILE_TOO_LARGE, Probe
from segmentation.pictures.source import Source
from segmentation.pictures.types import Pixels

LABEL = "JPEG"
MAX_SEGMENTS = 5_000
# A progressive picture has about 10 scans, at most some 25 by optimisers; each costs a pass over all of it.
MAX_SCANS = 100

_TABLES = {0xDB, 0xC4, 0xCC, 0xDD}
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
_BARE = {0x01, *range(0xD0, 0xD8)}
_NEXT_MARK = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass
class _Header:
    width: int = 0
    height: int = 0
    channels: int = 0
    body: int = 0
    kept: list[tuple[int, bytes]] = field(default_factory=list)
    exif: bytes | None = None
    profile_parts: dict[int, bytes] = field(default_factory=dict)
    profile_count: int = 0


def accepts(head: bytes) -> bool:
    return head.startswith(b"\xff\xd8\xff")


def probe(source: Source) -> Probe:
    """Reads up to the first scan. Raises PictureError where the header is not one of a readable JPEG."""
    header = _read_header(source)
    warnings: list[str] = []
    profile = _profile(header, warnings)

    def load(min_side: int = 0) -> Image.Image:
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(_clean(source, header)))
        if min_side:
            image.draft(None, (min_side, min_side))
        image.load()
        return image

    def straight() -> Pixels | None:
        # Imported here: nobody who only looks at a header needs it.
        import simplejpeg

        try:
            # The same libjpeg-turbo as Pillow's, without its four bytes a pixel and the copy out of them.
            return np.asarray(simplejpeg.decode_jpeg(_clean(source, header), "RGB"))
        except ValueError:
            return None

    return Probe(
        format="jpeg",
        width=header.width,
        height=header.height,
        load=load,
        reduced=load,
        straight=straight if header.channels in (1, 3) else None,
        orientation=exif.orientation(header.exif) if header.exif else 1,
        profile=profile,
        exif=header.exif,
        warnings=warnings,
    )


def _read_header(source: Source) -> _Header:
    header = _Header()
    position = 2
    for _ in range(MAX_SEGMENTS):
        position, code = _next_code(source, position)
        if code in _BARE or code == 0xD8:
            continue
        if code == 0xD9:
            raise refusals.broken_picture(LABEL)
        length = int.from_bytes(source.need(position, 2))
        if length < 2:
            raise refusals.broken_picture(LABEL)
        if code == 0xDA:
            if not header.width:
                raise refusals.broken_picture(LABEL)
            header.body = position - 2
            return header
        _take(header, code, source, position + 2, length - 2)
        position += length
    raise refusals.too_complex(LABEL, "it has thousands of marker segments")


def _next_code(source: Source, position: int) -> tuple[int, int]:
    """Position after the next marker, and its code; fill bytes and stray bytes before it are skipped."""
    mark = source.need(position, 2)
    if mark[0] == 0xFF and mark[1] not in (0x00, 0xFF):
        return position + 2, mark[1]
    window = source.at(position, 1 << 16)
    found = re.search(rb"\xff[^\x00\xff]", window)
    if found is None:
        raise refusals.truncated_picture(LABEL) if len(window) < 1 << 16 else refusals.broken_picture(LABEL)
    return position + found.end(), window[found.end() - 1]


def _take(header: _Header, code: int, source: Source, start: int, length: int) -> None:
    if code in _OTHER_FRAMES:
        raise refusals.unsupported_variant(LABEL, "lossless or hierarchical coding")
    if code in _FRAMES:
        _take_frame(header, code, source.need(start, length))
    elif code in _TABLES:
        header.kept.append((code, source.need(start, length)))
    elif code in (0xE0, 0xEE):
        content = source.need(start, length)
        if content.startswith(b"JFIF\x00" if code == 0xE0 else b"Adobe"):
            header.kept.append((code, content))
    elif code == 0xE1 and header.exif is None:
        content = source.need(start, length)
        if content.startswith(b"Exif\x00"):
            header.exif = exif.without_prefix(content)
    elif code == 0xE2:
        content = source.need(start, length)
        if content.startswith(b"ICC_PROFILE\x00") and length > 14:
            header.profile_parts.setdefault(content[12], content[14:])
            header.profile_count = content[13]


def _take_frame(header: _Header, code: int, content: bytes) -> None:
    if header.width or len(content) < 9:
        raise refusals.broken_picture(LABEL)
    if content[0] != 8:
        raise refusals.unsupported_variant(LABEL, f"{content[0]} bits a channel")
    header.height = int.from_bytes(content[1:3])
    header.width = int.from_bytes(content[3:5])
    if not header.width or not header.height:
        raise refusals.broken_picture(LABEL)
    header.channels = content[5]
    if header.channels not in (1, 3, 4):
        raise refusals.unsupported_variant(LABEL, f"{header.channels} colour channels")
    header.kept.append((code, content))


def _profile(header: _Header, warnings: list[str]) -> bytes | None:
    if not header.profile_parts:
        return None
    if set(header.profile_parts) != set(range(1, header.profile_count + 1)):
        warnings.append(PROFILE_BROKEN)
        return None
    profile = b"".join(part for _, part in sorted(header.profile_parts.items()))
    if len(profile) > MAX_PROFILE_BYTES:
        warnings.append(PROFILE_TOO_LARGE)
        return None
    return profile


def _clean(source: Source, header: _Header) -> bytes:
    """The file as the decoder gets it: kept segments, then all scans up to the end of the first picture."""
    body = source.need(header.body, source.size - header.body)
    head = b"".join(
        b"\xff" + bytes([code]) + (len(content) + 2).to_bytes(2) + content for code, content in header.kept
    )
    return b"".join((b"\xff\xd8", head, memoryview(body)[: _end_of_picture(body)]))


def _end_of_picture(body: bytes) -> int:
    """Where the first picture ends, by its end mark; counts the scans on the way."""
    position = scans = 0
    for _ in range(MAX_SEGMENTS):
        found = _NEXT_MARK.search(body, position)
        if found is None:
            return len(body)
        code = body[found.end() - 1]
        if code == 0xD9:
            return found.end()
        position = found.end()
        if code in _BARE:
            continue
        scans += code == 0xDA
        if scans > MAX_SCANS:
            raise refusals.too_complex(LABEL, f"it has more than {MAX_SCANS} scans")
        position += int.from_bytes(body[position : position + 2])
    raise refusals.too_complex(LABEL, "it has thousands of marker segments")

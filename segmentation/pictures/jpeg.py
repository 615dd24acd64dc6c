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
from segmentation.pictures.density import Density, density
from segmentation.pictures.jpeg_damage import is_zeroed
from segmentation.pictures.probe import DAMAGED, MAX_PROFILE_BYTES, PROFILE_BROKEN, PROFILE_TOO_LARGE, Probe
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
_END = b"\xff\xd9"
_BY_SIMPLEJPEG = (1, 3)  # channels
# What libjpeg says where it had to guess pixels; its other warnings are about marks in the header.
_DAMAGE = re.compile("corrupt|premature|inconsistent|too few", re.IGNORECASE)
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

    def straight() -> Pixels | None:
        return _pixels(source, header, warnings)

    def load(min_side: int = 0) -> Image.Image:
        if not min_side and header.channels in _BY_SIMPLEJPEG:
            rgb = straight()
            if rgb is not None:
                return Image.fromarray(rgb if header.channels == 3 else np.ascontiguousarray(rgb[..., 0]))
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(_checked(source, header, warnings, min_side)))
        if min_side:
            image.draft(None, (min_side, min_side))
        image.load()
        return image

    return Probe(
        format="jpeg",
        width=header.width,
        height=header.height,
        load=load,
        reduced=load,
        straight=straight if header.channels in _BY_SIMPLEJPEG else None,
        orientation=exif.orientation(header.exif) if header.exif else 1,
        profile=profile,
        exif=header.exif,
        density=_density(header),
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


def _density(header: _Header) -> Density | None:
    """Of the JFIF mark, whose unit is an inch or a centimetre; without one it is only the pixels' shape."""
    for code, content in header.kept:
        if code == 0xE0 and len(content) >= 12 and content[7] in (1, 2):
            across, down = int.from_bytes(content[8:10]), int.from_bytes(content[10:12])
            return density(across, down, 1.0 if content[7] == 1 else 2.54)
    return None


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


def _pixels(source: Source, header: _Header, warnings: list[str]) -> Pixels | None:
    """The pixels as RGB, by the same libjpeg-turbo as Pillow's, without its four bytes a pixel and the copy
    out of them; None where it refuses the file. Raises PictureError where pixels are missing at its end."""
    data, ended = _clean(source, header)
    rgb, problem = _strict(data, "RGB")
    if not ended and (problem or is_zeroed(data)):
        # Zeros may stand where the file was never written: before them all pixels may be there.
        data = _without_padding(data)
        rgb, problem = _strict(data, "RGB")
        if problem or is_zeroed(data):
            raise refusals.truncated_picture(LABEL)
    if rgb is None:
        rgb = _lenient(data)
    if rgb is not None and (_DAMAGE.search(problem) or is_zeroed(data)):
        warnings.append(DAMAGED)
    return rgb


def _checked(source: Source, header: _Header, warnings: list[str], min_side: int) -> bytes:
    """The file for a decoder that passes over damage: it is looked for here, at an eighth of the size.

    Of a picture that is decoded small, only missing pixels at the end are looked for.
    """
    data, ended = _clean(source, header)
    if min_side and ended:
        return data
    small = {"min_height": 1, "min_width": 1, "min_factor": 8}
    _, problem = _strict(data, "CMYK" if header.channels == 4 else "RGB", **small)
    damaged = _DAMAGE.search(problem) is not None or is_zeroed(data)
    if damaged and not ended:
        raise refusals.truncated_picture(LABEL)
    if damaged:
        warnings.append(DAMAGED)
    return data


def _strict(data: bytes, colours: str, **options: int) -> tuple[Pixels | None, str]:
    """The pixels, or what the decoder says of the file instead."""
    # Imported here: nobody who only looks at a header needs it.
    import simplejpeg

    try:
        return np.asarray(simplejpeg.decode_jpeg(data, colours, **options)), ""
    except ValueError as error:
        return None, str(error) or "unknown"


def _lenient(data: bytes) -> Pixels | None:
    """The pixels of a file that is damaged; what is lost is grey or wrong."""
    import simplejpeg

    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "RGB", strict=False))
    except ValueError:
        return None


def _without_padding(data: bytes) -> bytes:
    """A file that got its end mark here, without the zeros before it."""
    body = data.removesuffix(_END).rstrip(b"\x00")
    return body + (b"\x00" if body.endswith(b"\xff") else b"") + _END


def _clean(source: Source, header: _Header) -> tuple[bytes, bool]:
    """The file as the decoder gets it, and whether it has an end mark of its own.

    Kept segments, then all scans up to the end of the first picture.
    """
    body = source.need(header.body, source.size - header.body)
    head = b"".join(
        b"\xff" + bytes([code]) + (len(content) + 2).to_bytes(2) + content for code, content in header.kept
    )
    end, ended = _end_of_picture(body)
    return b"".join((b"\xff\xd8", head, memoryview(body)[:end], b"" if ended else _END)), ended


def _end_of_picture(body: bytes) -> tuple[int, bool]:
    """Where the first picture ends, and whether by an end mark; counts the scans on the way."""
    position = scans = 0
    for _ in range(MAX_SEGMENTS):
        found = _NEXT_MARK.search(body, position)
        if found is None:
            # Half an end mark is none.
            return len(body) - body.endswith(b"\xff"), False
        code = body[found.end() - 1]
        if code == 0xD9:
            return found.end(), True
        position = found.end()
        if code in _BARE:
            continue
        scans += code == 0xDA
        if scans > MAX_SCANS:
            raise refusals.too_complex(LABEL, f"it has more than {MAX_SCANS} scans")
        position += int.from_bytes(body[position : position + 2])
    raise refusals.too_complex(LABEL, "it has thousands of marker segments")

"""JPEG (ITU-T T.81) headers, and a copy with only what affects pixels.

The copy keeps tables, frame, scans, and the JFIF and Adobe markers (which determine the colour model). It
also turns the first picture of an MPO file (CIPA DC-007) into an ordinary JPEG: the others follow the first
end-of-image marker.
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
# A progressive picture has about 10 scans, some 25 after optimisers; each costs a pass over all of it.
MAX_SCANS = 100

_TABLES = {0xDB, 0xC4, 0xCC, 0xDD}
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_END = b"\xff\xd9"
_SIMPLEJPEG_CHANNELS = (1, 3)  # channels
# libjpeg's messages when it had to guess pixels; its other warnings concern markers in the header.
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
    """Reads up to the first scan. Raises PictureError if the header is not that of a readable JPEG."""
    header = _read_header(source)
    warnings: list[str] = []
    profile = _profile(header, warnings)

    def load_rgb() -> Pixels | None:
        return _pixels(source, header, warnings)

    def load(min_side: int = 0) -> Image.Image:
        if not min_side and header.channels in _SIMPLEJPEG_CHANNELS:
            rgb = load_rgb()
            if rgb is not None:
                return Image.fromarray(rgb if header.channels == 3 else np.ascontiguousarray(rgb[..., 0]))
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(_damage_checked(source, header, warnings, min_side)))
        if min_side:
            image.draft(None, (min_side, min_side))
        image.load()
        return image

    return Probe(
        format="jpeg",
        width=header.width,
        height=header.height,
        load=load,
        load_reduced=load,
        load_rgb=load_rgb if header.channels in _SIMPLEJPEG_CHANNELS else None,
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
        if code in _STANDALONE or code == 0xD8:
            continue
        if code == 0xD9:
            raise refusals.broken_picture(LABEL)
        length = int.from_bytes(source.read_exactly(position, 2))
        if length < 2:
            raise refusals.broken_picture(LABEL)
        if code == 0xDA:
            if not header.width:
                raise refusals.broken_picture(LABEL)
            header.body = position - 2
            return header
        _read_segment(header, code, source, position + 2, length - 2)
        position += length
    raise refusals.too_complex(LABEL, "it has thousands of marker segments")


def _next_code(source: Source, position: int) -> tuple[int, int]:
    """Returns the position after the next marker, and its code. Skips fill bytes and stray bytes before
    it."""
    mark = source.read_exactly(position, 2)
    if mark[0] == 0xFF and mark[1] not in (0x00, 0xFF):
        return position + 2, mark[1]
    window = source.read_at(position, 1 << 16)
    found = re.search(rb"\xff[^\x00\xff]", window)
    if found is None:
        raise refusals.truncated_picture(LABEL) if len(window) < 1 << 16 else refusals.broken_picture(LABEL)
    return position + found.end(), window[found.end() - 1]


def _read_segment(header: _Header, code: int, source: Source, start: int, length: int) -> None:
    if code in _OTHER_FRAMES:
        raise refusals.unsupported_variant(LABEL, "lossless or hierarchical coding")
    if code in _FRAMES:
        _read_frame(header, code, source.read_exactly(start, length))
    elif code in _TABLES:
        header.kept.append((code, source.read_exactly(start, length)))
    elif code in (0xE0, 0xEE):
        content = source.read_exactly(start, length)
        if content.startswith(b"JFIF\x00" if code == 0xE0 else b"Adobe"):
            header.kept.append((code, content))
    elif code == 0xE1 and header.exif is None:
        content = source.read_exactly(start, length)
        if content.startswith(b"Exif\x00"):
            header.exif = exif.without_prefix(content)
    elif code == 0xE2:
        content = source.read_exactly(start, length)
        if content.startswith(b"ICC_PROFILE\x00") and length > 14:
            header.profile_parts.setdefault(content[12], content[14:])
            header.profile_count = content[13]


def _read_frame(header: _Header, code: int, content: bytes) -> None:
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
    """Reads the JFIF marker's resolution, in inches or centimetres. Without a unit it is only the pixel
    aspect ratio.
    """
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
    """Decodes to RGB with the same libjpeg-turbo as Pillow's, but without Pillow's four bytes a pixel and the
    extra copy. Returns None if it refuses the file. Raises PictureError if pixels are missing at the end.
    """
    data, ended = _clean(source, header)
    rgb, problem = _strict(data, "RGB")
    if not ended and (problem or is_zeroed(data)):
        # Trailing zeros may be an unwritten part of the file: all pixels may be present before them.
        data = _without_padding(data)
        rgb, problem = _strict(data, "RGB")
        if problem or is_zeroed(data):
            raise refusals.truncated_picture(LABEL)
    if rgb is None:
        rgb = _lenient(data)
    if rgb is not None and (_DAMAGE.search(problem) or is_zeroed(data)):
        warnings.append(DAMAGED)
    return rgb


def _damage_checked(source: Source, header: _Header, warnings: list[str], min_side: int) -> bytes:
    """Returns the file for a decoder that ignores damage: checks for damage by decoding at an eighth of the
    size.

    When the picture is decoded at a reduced size, checks only for missing pixels at the end.
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
    """Returns the pixels, or the decoder's error message."""
    # Imported here: not needed to read a header.
    import simplejpeg

    try:
        return np.asarray(simplejpeg.decode_jpeg(data, colours, **options)), ""
    except ValueError as error:
        return None, str(error) or "unknown"


def _lenient(data: bytes) -> Pixels | None:
    """Decodes a damaged file; lost areas are grey or wrong."""
    import simplejpeg

    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "RGB", strict=False))
    except ValueError:
        return None


def _without_padding(data: bytes) -> bytes:
    """Removes the zeros before an end marker that was added here."""
    body = data.removesuffix(_END).rstrip(b"\x00")
    return body + (b"\x00" if body.endswith(b"\xff") else b"") + _END


def _clean(source: Source, header: _Header) -> tuple[bytes, bool]:
    """Returns the file for the decoder, and whether it has its own end marker.

    Consists of the kept segments, then all scans up to the end of the first picture.
    """
    body = source.read_exactly(header.body, source.size - header.body)
    head = b"".join(
        b"\xff" + bytes([code]) + (len(content) + 2).to_bytes(2) + content for code, content in header.kept
    )
    end, ended = _end_of_picture(body)
    return b"".join((b"\xff\xd8", head, memoryview(body)[:end], b"" if ended else _END)), ended


def _end_of_picture(body: bytes) -> tuple[int, bool]:
    """Returns the end of the first picture, and whether it has an end marker. Limits the number of scans."""
    position = scans = 0
    for _ in range(MAX_SEGMENTS):
        found = _NEXT_MARK.search(body, position)
        if found is None:
            # Half an end marker does not count.
            return len(body) - body.endswith(b"\xff"), False
        code = body[found.end() - 1]
        if code == 0xD9:
            return found.end(), True
        position = found.end()
        if code in _STANDALONE:
            continue
        scans += code == 0xDA
        if scans > MAX_SCANS:
            raise refusals.too_complex(LABEL, f"it has more than {MAX_SCANS} scans")
        position += int.from_bytes(body[position : position + 2])
    raise refusals.too_complex(LABEL, "it has thousands of marker segments")

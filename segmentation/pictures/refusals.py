"""The errors for refused files: each has a stable code and a sentence with the next step."""

from __future__ import annotations

from segmentation.errors import PictureError
from segmentation.pictures.types import Limits

SUPPORTED = "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF, JPEG 2000, ICO and PNM"

RAW = "This is a camera's raw file. Develop it to JPEG or TIFF and send that."

SIDECAR = (
    "This is not a picture, but macOS metadata about another file (its name begins with “._”). "
    "Send the file without “._”."
)

# Unsupported files that people do send, and the advice for each. Offset and first bytes identify them.
ADVICE_BY_SIGNATURE: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "This is a PDF document, not a picture. Export its page as PNG or JPEG and send that."),
    (0, b"8BPS", "This is a Photoshop document. Export it as PNG or TIFF and send that."),
    (0, b"8BPB", "This is a Photoshop document. Export it as PNG or TIFF and send that."),
    (0, b"gimp xcf", "This is a GIMP document. Export it as PNG and send that."),
    (0, b"PK\x03\x04", "This is a ZIP archive or an office document. Unpack it and send its pictures."),
    (0, b"Rar!", "This is an archive. Unpack it and send its pictures."),
    (0, b"7z\xbc\xaf\x27\x1c", "This is an archive. Unpack it and send its pictures."),
    (0, b"\x1f\x8b", "This is a compressed archive. Unpack it and send its pictures."),
    (0, b"\xff\x0a", "This is a JPEG XL picture, which we cannot read yet. Save it as PNG or JPEG."),
    (4, b"JXL ", "This is a JPEG XL picture, which we cannot read yet. Save it as PNG or JPEG."),
    (0, b"\x00\x00\x02\x00", "This is a cursor (CUR). Save it as PNG and send that."),
    (0, b"\x00\x05\x16\x07", SIDECAR),
    (0, b"\x00\x05\x16\x00", SIDECAR),
    (0, b"icns", "This is an icon (ICNS). Save it as PNG and send that."),
    (0, b"%!PS", "This is a PostScript file. Export it as PNG or JPEG and send that."),
    (0, b"\xc5\xd0\xd3\xc6", "This is a PostScript file. Export it as PNG or JPEG and send that."),
    (0, b"FUJIFILM", RAW),
    (0, b"IIU\x00", RAW),
    (0, b"IIRO", RAW),
    (0, b"FOVb", RAW),
    (8, b"CR\x02", RAW),
    (4, b"ftypcrx", RAW),
    (4, b"ftyp", "This is a video, not a picture. Save one of its frames as PNG or JPEG and send that."),
    (0, b"\x1a\x45\xdf\xa3", "This is a video, not a picture. Save one of its frames as PNG or JPEG."),
)


def empty_file() -> PictureError:
    return PictureError("empty_file", "The file is empty (0 bytes). Send it again, or choose another one.")


def unsupported_format(head: bytes) -> PictureError:
    """Returns the error for an unsupported format; `head` is at least the file's first 16 bytes."""
    for offset, magic, sentence in ADVICE_BY_SIGNATURE:
        if head[offset : offset + len(magic)] == magic:
            return PictureError("unsupported_format", sentence)
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in start):
        text = "This is an SVG drawing, not a photo. Export it as PNG and send that."
    elif start.startswith((b"<!doctype", b"<html", b"<head")):
        text = "This is a web page, not a picture. Save the picture itself and send that."
    else:
        text = (
            f"This is not a picture that we can read, whatever its name says. Supported formats: {SUPPORTED}."
        )
    return PictureError("unsupported_format", text)


def unsupported_variant(label: str, what: str) -> PictureError:
    return PictureError(
        "unsupported_variant",
        f"This {label} file is of a variant that we cannot read: {what}. "
        "Save it as PNG or JPEG and send that.",
    )


def raw_photo() -> PictureError:
    return PictureError("unsupported_format", RAW)


def broken_picture(label: str) -> PictureError:
    return PictureError(
        "broken_picture",
        f"This {label} file is damaged and cannot be read. Open it in an image editor and save it again, "
        "or send another copy.",
    )


def truncated_picture(label: str) -> PictureError:
    return PictureError(
        "truncated_picture",
        f"This {label} file ends too early: a part of it is missing. "
        "Copy or download it again and send the whole file.",
    )


def too_many_bytes(size: int, limits: Limits) -> PictureError:
    return PictureError(
        "too_many_bytes",
        f"The file has {size / 1e6:.1f} MB; the limit is {limits.max_bytes / 1e6:.1f} MB. "
        "Save it smaller, for example as JPEG, and send that.",
    )


def too_many_pixels(width: int, height: int, limits: Limits) -> PictureError:
    return PictureError(
        "too_many_pixels",
        f"The picture has {width} × {height} pixels, {width * height / 1e6:.1f} megapixels; "
        f"the limit is {limits.max_pixels / 1e6:.1f} megapixels. Scale it down and send it again.",
    )


def too_large_side(width: int, height: int, limits: Limits) -> PictureError:
    return PictureError(
        "too_large_side",
        f"The picture has {width} × {height} pixels; the limit for a side is {limits.max_side}. "
        "Scale it down or cut it into parts, and send it again.",
    )


def too_complex(label: str, what: str) -> PictureError:
    return PictureError(
        "too_complex",
        f"This {label} file would take too long to read: {what}. "
        "Open it in an image editor, save it again, and send that.",
    )


def out_of_memory() -> PictureError:
    return PictureError(
        "out_of_memory",
        "There was not enough memory to read the picture. Try again later, or send it scaled down.",
    )

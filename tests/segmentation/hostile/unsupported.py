"""Unsupported files: other formats, text, empty files, and two formats in one file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.segmentation.samples.registry import FULL
from tests.segmentation.samples.scene import saved, scene


def files() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    for size in (1, 2, 3, 4, 8, 12, 16, 1000, 1 << 20):
        yield f"{size} zero bytes", b"\0" * size
        yield f"{size} noise bytes", np.random.default_rng(size).bytes(size)
    yield "text", "Grüße, kein Bild.\n".encode() * 100
    yield "html", b"<!doctype html><img src=x>"
    yield "svg bomb", b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>'
    yield "postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"
    yield "pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n"
    yield "script", b"#!/bin/sh\nexit 1\n"
    for name, magic in MAGICS.items():
        yield f"{name} magic alone", magic
        yield f"{name} magic and noise", magic + np.random.default_rng(len(magic)).bytes(4000)
        yield f"{name} magic and zeros", magic + b"\0" * 4000
    for other, mode in OTHERS.items():
        yield f"a {other} file", saved(Image.fromarray(scene()).convert("L").convert(mode), other)
    yield from _polyglots()


# Formats that Pillow writes but we do not support, with a mode that each can store.
OTHERS = {
    "TGA": "RGB",
    "SGI": "RGB",
    "DDS": "RGB",
    "ICNS": "RGBA",
    "PCX": "RGB",
    "IM": "RGB",
    "MSP": "1",
    "XBM": "1",
    "SPIDER": "F",
    "PDF": "RGB",
    "EPS": "RGB",
}

MAGICS = {
    "jpeg": b"\xff\xd8\xff",
    "jpeg jfif": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0",
    "png": b"\x89PNG\r\n\x1a\n",
    "webp": b"RIFF\xff\xff\xff\xffWEBPVP8X",
    "webp lossy": b"RIFF\x64\0\0\0WEBPVP8 ",
    "webp lossless": b"RIFF\x64\0\0\0WEBPVP8L",
    "gif": b"GIF89a",
    "bmp": b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
    "bmp os2": b"BM\0\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0",
    "tiff": b"II*\0\x08\0\0\0",
    "tiff big endian": b"MM\0*\0\0\0\x08",
    "bigtiff": b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
    "ico": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0",
    "ppm": b"P6\n37 23\n255\n",
    "plain pgm": b"P2 37 23 255\n",
    "pbm": b"P4 37 23\n",
    "appledouble": b"\0\5\x16\7\0\2\0\0Mac OS X        ",
    "jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
    "jp2 stream": b"\xff\x4f\xff\x51\0\x29",
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    "avif sequence": b"\0\0\0\x18ftypavis\0\0\0\0msf1avis\0\0\0\x08moov",
}


def _polyglots() -> Iterator[tuple[str, bytes]]:
    jpeg, png = saved(scene(), "JPEG", **FULL), saved(scene(), "PNG")
    gif = saved(Image.fromarray(scene()).quantize(16), "GIF")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("evil.sh", "exit 1")
    page = b"<script>alert(1)</script>"
    yield "jpeg and zip", jpeg + archive.getvalue()
    yield "gif and javascript", gif[:6] + b"/*" + gif[8:] + b"*/=1;" + page
    yield "png and html", png + page
    yield "png and jpeg", png + jpeg
    yield "jpeg and png", jpeg + png
    yield "two jpegs", jpeg + jpeg
    yield "png in front of a jpeg's body", png[:8] + jpeg
    yield "jpeg in front of a png's body", jpeg[:20] + png
    yield "gif in front of a webp's body", b"GIF89a" + saved(scene(), "WEBP")
    yield "byte order mark and jpeg", b"\xef\xbb\xbf" + jpeg
    yield "line end and png", b"\n" + png
    yield "base64 of a jpeg", b"data:image/jpeg;base64," + jpeg.hex().encode()
    yield (
        "icon that holds a png",
        b"\0\0\1\0\1\0\0\0\0\0\1\0\x20\0" + len(png).to_bytes(4, "little") + b"\x16\0\0\0" + png,
    )

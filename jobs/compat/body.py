"""Request bodies: multipart, urlencoded or JSON. Empty fields count as not sent.

Django's own parsers stop at a few megabytes of text, but a picture in base64 has thirty. The size of whole
bodies is limited earlier, see bgplatform/fast_path.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import parse_header_parameters

from common.part_headers import MAX_HEAD, read_headers
from jobs.compat.errors import CompatError
from jobs.compat.memory import RECEIVED

# Parts with these names are files even without a file name, because some clients send none.
FILES: Final = ("image_file", "bg_image_file", "file")
BASE64: Final = "image_file_b64"
MAX_FIELDS: Final = 200
MAX_NAME: Final = 200
MAX_TEXT: Final = 10_000
# The fields that these APIs use. Others are ignored, however long they are: some clients send pictures as
# `image_base64` or `bg_image_file_b64`.
NAMES: Final = frozenset({
    "image_url", "bg_image_url", "size", "type", "type_level", "format", "roi", "crop", "crop_margin",
    "scale", "position", "channels", "shadow_type", "shadow_opacity", "add_shadow", "semitransparency",
    "bg_color", "image_filename", "tag", "url", "model", "a", "af", "ab", "ae", "om", "ppm", "dc", "vm",
    "bgc",
})  # fmt: skip
BY_TYPE: Final = ("shadow_type[", "shadow_opacity[")
# The largest number of values in a JSON body, containers and their items together.
MAX_JSON: Final = 10_000
# How many bytes a percent-escaped byte takes in a form.
ESCAPE_BYTES: Final = 3
# Enough for a picture of 22 MB in base64, with line breaks and escapes.
MAX_BASE64: Final = 40 * 2**20
# The escapes that are common in base64. MAX_ESCAPES limits all others.
ESCAPES: Final = {
    b"%2B": b"+", b"%2F": b"/", b"%3D": b"=", b"%2b": b"+", b"%2f": b"/", b"%3d": b"=",
    b"%0D": b"", b"%0A": b"", b"%0d": b"", b"%0a": b"",
}  # fmt: skip
MAX_ESCAPES: Final = 10_000
CHUNK: Final = 64 * 2**10
URLENCODED: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class File:
    """The bytes of a part, and its file name."""

    data: bytes
    name: str


@dataclass(frozen=True)
class Body:
    """A parsed body: non-empty text fields and non-empty files, by name.

    empty: names of files that have a file name but no bytes.
    blank: names of fields and files that have no file name and no content. Neither includes a browser's file
    field without a chosen file (`filename=""`).
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()


def max_body_bytes() -> int:
    """The limit of a whole body: a picture of 22 MB takes 31 MB in base64, and a background may be added."""
    return max(64 * 2**20, settings.MAX_PICTURE_BYTES) + 2**20


def read_body(request: HttpRequest) -> bytes:
    """The whole body of a request. Blocks. Raises CompatError `file_too_large`."""
    kind = request.headers.get("Content-Type", "").strip().lower()
    if kind.startswith(URLENCODED) and getattr(request, RECEIVED, 0) > MAX_BASE64 + 2**20:
        # No accepted picture is this long as text, so the body need not be read.
        raise CompatError("file_too_large", f"A form has at most {MAX_BASE64 // 2**20} MB.")
    content = bytes(request.read(max_body_bytes() + 1))
    if len(content) > max_body_bytes() or getattr(request, "cut_off", False):
        raise CompatError("file_too_large", f"A request has at most {max_body_bytes() // 2**20} MB.")
    return content


def read(content_type: str, content: bytes, query: str = "") -> Body:
    """The fields of a body, which override those of the query. Raises CompatError `invalid_body`."""
    files: dict[str, File] = {}
    blank: set[str] = set()
    try:
        kind, parameters = _header(content_type)
        fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS))
        if kind == "multipart/form-data":
            for name, file, data in _parts(content, parameters.get("boundary", "")):
                if name in FILES or (file is not None and name != BASE64):
                    files[name] = File(data, file or "")
                    if file is None and not data:
                        blank.add(name)
                else:
                    fields[name] = data.decode("utf-8", "replace")
        elif kind == "application/json" or kind.endswith("+json"):
            fields.update(_json(content))
        elif kind in {"", URLENCODED}:
            fields.update(_form(content))
        fields = _checked_fields(fields)
    except ValueError as error:
        raise CompatError("invalid_body", str(error)) from error
    return Body(
        {name: text.strip() for name, text in fields.items() if text.strip()},
        {name: file for name, file in files.items() if file.data},
        frozenset(name for name, file in files.items() if file.name and not file.data),
        frozenset(blank | {name for name, text in fields.items() if not text.strip()}),
    )


def _header(text: str) -> tuple[str, dict[str, str]]:
    try:
        return parse_header_parameters(text)
    except LookupError as error:
        raise ValueError("A header names an unknown character set.") from error


def _checked_fields(fields: dict[str, str]) -> dict[str, str]:
    """Limits names and values, because later code scans fields character by character and quotes them in
    errors.
    """
    long = {name for name, text in fields.items() if len(text) > MAX_TEXT and name != BASE64}
    if len(fields) > 2 * MAX_FIELDS:
        raise ValueError(f"More than {MAX_FIELDS} fields.")
    if any(len(name) > MAX_NAME for name in fields):
        raise ValueError("The name of a field is too long.")
    if any(name in NAMES or name.startswith(BY_TYPE) for name in long):
        raise ValueError("A field is too long.")
    # Files are only read from multipart bodies, never from text fields.
    return {name: text for name, text in fields.items() if name not in FILES and name not in long}


def _parts(content: bytes, boundary: str) -> Iterator[tuple[str, str | None, bytes]]:
    """Name, file name (None: not a file) and bytes of each part of a multipart body (RFC 7578)."""
    if not boundary or len(boundary) > 200:
        raise ValueError("A multipart body needs a boundary.")
    mark = b"--" + boundary.encode("latin-1", "replace")
    at = content.find(mark)
    if at < 0:
        raise ValueError("The body has no part with the boundary that its header names.")
    for _ in range(MAX_FIELDS):
        at += len(mark)
        if content[at : at + 2] == b"--":
            return
        # Bounded: otherwise each of many parts without a header would be searched to the end of the body.
        head = content.find(b"\r\n\r\n", at, at + MAX_HEAD)
        end = content.find(b"\r\n" + mark, at)
        if end < 0:
            raise ValueError("The body ends in the middle of a part.")
        if head < 0:
            raise ValueError(f"A part has no header, or one of more than {MAX_HEAD} bytes.")
        yield from _part(content[at:head], content[head + 4 : max(end, head + 4)])
        at = end + 2
    raise ValueError(f"More than {MAX_FIELDS} fields.")


def _part(head: bytes, data: bytes) -> Iterator[tuple[str, str | None, bytes]]:
    said = read_headers(head)
    if said is not None:
        yield said.name, said.file_name, data


def _json(content: bytes) -> dict[str, str]:
    # Each value becomes an object of a hundred bytes or more.
    if sum(map(content.count, (b"[", b"{", b","))) > MAX_JSON:
        raise ValueError("The JSON holds too many values.")
    try:
        return _json_fields(json.loads(content or b"{}"))
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply.") from error


def _json_fields(said: object) -> dict[str, str]:
    if not isinstance(said, dict):
        raise ValueError("The JSON must be an object.")
    fields: dict[str, str] = {}
    for name, value in said.items():
        if len(name) > MAX_NAME:
            raise ValueError("The name of a field is too long.")
        if isinstance(value, dict):
            # {"shadow_type": {"person": "3D"}} becomes shadow_type[person]=3D, as in a form.
            fields.update({f"{name}[{key}]": _text(one) for key, one in value.items()})
        elif value is not None:
            fields[name] = _text(value)
    return fields


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _form(content: bytes) -> dict[str, str]:
    """Like parse_qsl, but fast for thirty megabytes of base64, which may contain an unescaped +.

    Sizes are checked before anything is decoded, because each percent-escape becomes an object.
    """
    fields: dict[str, str] = {}
    if content.count(b"&") >= MAX_FIELDS:
        raise ValueError(f"More than {MAX_FIELDS} fields.")
    at, end = 0, len(content.rstrip())
    while at < end:
        stop = content.find(b"&", at, end)
        stop = end if stop < 0 else stop
        equals = content.find(b"=", at, stop)
        equals = stop if equals < 0 else equals
        if equals - at > ESCAPE_BYTES * MAX_NAME:
            raise ValueError("The name of a field is too long.")
        name = _unquoted(content[at:equals].replace(b"+", b" ").strip())
        if name == BASE64:
            fields[name] = _base64_text(content, equals + 1, stop)
        elif stop - equals <= ESCAPE_BYTES * MAX_TEXT:
            fields[name] = _unquoted(content[equals + 1 : stop].replace(b"+", b" "))
        elif name in NAMES or name.startswith(BY_TYPE):
            raise ValueError("A field is too long.")
        at = stop + 1
    return fields


def _unquoted(text: bytes) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def _base64_text(content: bytes, start: int, end: int) -> str:
    """The base64 text between two offsets of a form, with a fast path for its usual escapes."""
    if end - start > MAX_BASE64:
        raise CompatError("file_too_large", f"image_file_b64 has at most {MAX_BASE64 // 2**20} MB.")
    found: list[str] = []
    others = 0
    # In chunks: one operation on all of it would block every other thread.
    while start < end:
        stop = min(start + CHUNK, end)
        if stop < end and (escape := content.find(b"%", stop - 2, stop)) > start:
            stop = escape
        value = content[start:stop]
        for code, plain in ESCAPES.items():
            value = value.replace(code, plain)
        if escapes := value.count(b"%"):
            others += escapes
            if others > MAX_ESCAPES:
                raise ValueError(
                    "image_file_b64 holds too many percent-escapes: base64 needs them for + / = alone."
                )
            value = unquote_to_bytes(value)
        found.append(value.decode("utf-8", "replace"))
        start = stop
    return "".join(found)

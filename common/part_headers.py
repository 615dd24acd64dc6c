"""The headers of one part of a multipart form (RFC 7578): its field name and file name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from django.utils.http import parse_header_parameters

# Limits for the headers and for one line of them: parsing a line takes time quadratic in its length.
MAX_HEAD: Final = 8 * 2**10
MAX_LINE: Final = 2**10
# Parameters that name their own character set (RFC 8187), which may be unknown.
_EXTENDED: Final = re.compile(r";\s*[^;=\s]+\*\s*=[^;]*")


@dataclass(frozen=True)
class PartHeaders:
    """The parsed headers of a part. file_name is None where the parameter is missing, and may be empty."""

    name: str
    file_name: str | None
    content_type: str = ""
    content_type_parameters: dict[str, str] = field(default_factory=dict)
    transfer_encoding: str = ""
    content_length: int | None = None


def read_headers(head: bytes) -> PartHeaders | None:
    """Parse the headers; returns None where they name no field.

    Raises ValueError for a line longer than MAX_LINE. Skips a line that cannot be parsed.
    """
    name = ""
    file_name: str | None = None
    length: int | None = None
    content_type, encoding = "", ""
    parameters: dict[str, str] = {}
    for line in head.split(b"\r\n"):
        if len(line) > MAX_LINE:
            raise ValueError(f"A line in the head of a part is longer than {MAX_LINE} bytes.")
        label, _, rest = line.partition(b":")
        match label.strip().lower():
            case b"content-disposition":
                _, said = _parameters(rest)
                name, file_name = said.get("name", "").strip(), said.get("filename")
            case b"content-type":
                content_type, parameters = _parameters(rest)
            case b"content-transfer-encoding":
                encoding = _text(rest).strip().lower()
            case b"content-length" if rest.strip().isdigit() and len(rest) < 20:
                length = int(rest)
    return PartHeaders(name, file_name, content_type, parameters, encoding, length) if name else None


def _parameters(value: bytes) -> tuple[str, dict[str, str]]:
    text = _text(value)
    try:
        return parse_header_parameters(text)
    except (ValueError, LookupError):
        pass
    try:
        return parse_header_parameters(_EXTENDED.sub("", text))
    except (ValueError, LookupError):
        return "", {}


def _text(value: bytes) -> str:
    """Decode UTF-8, or else Latin-1, where every byte is a character."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")

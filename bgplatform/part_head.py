"""The head of one part of a multipart form (RFC 7578): the name of its field, and its file name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from django.utils.http import parse_header_parameters

# Of one head, and of one line in it: the time to parse a line grows with the square of its length.
MAX_HEAD: Final = 8 * 2**10
MAX_LINE: Final = 2**10
# Parameters that name their own character set (RFC 8187), which may be one that nobody knows.
_EXTENDED: Final = re.compile(r";\s*[^;=\s]+\*\s*=[^;]*")


@dataclass(frozen=True)
class PartHead:
    """What the head of a part says. file_name is None where there is no such parameter, and may be empty."""

    name: str
    file_name: str | None
    content_type: str = ""
    content_type_parameters: dict[str, str] = field(default_factory=dict)
    transfer_encoding: str = ""
    content_length: int | None = None


def read_head(head: bytes) -> PartHead | None:
    """Parse a head; None where no line of it names a field.

    Raises ValueError for a line that is longer than MAX_LINE. A line that cannot be parsed is skipped.
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
    return PartHead(name, file_name, content_type, parameters, encoding, length) if name else None


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
    """Programs write UTF-8, or Latin-1; in Latin-1 every byte is a character."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")

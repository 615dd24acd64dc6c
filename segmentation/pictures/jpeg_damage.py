"""Detects damage in JPEG data that a decoder may not notice: bytes overwritten with zeros.

An unwritten part of a file (a broken download, a lost sector) is often zeros. They are valid codes, so a
decoder can read on and, by chance, even end at the right place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# More zeros than any block has bits: at least one whole block is all zeros.
_RUN = bytes(256)
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2


@dataclass
class _Scan:
    """The state at a position in the file: the kind of frame, the first symbol of each Huffman table of AC
    coefficients, and the tables that the scan uses.
    """

    frame: int = 0
    first_symbols: dict[int, int] = field(default_factory=dict)
    used: tuple[int, ...] = ()


def is_zeroed(data: bytes) -> bool:
    """Whether a clean JPEG (see jpeg.py) contains zeros that no encoder writes.

    The first code of a Huffman table is all zeros. If it means a coefficient, zeros are blocks in which every
    coefficient is present with the same negative value. (If it means the end of a block, zeros are a flat
    area and valid.)
    """
    at = data.find(_RUN)
    if at < 0:
        return False
    scan = _scan_at(data, at)
    return any(scan.first_symbols.get(table, 0) & 15 for table in scan.used)


def _scan_at(data: bytes, place: int) -> _Scan:
    scan = _Scan()
    position = 2
    while position + 4 <= place:
        if data[position] != 0xFF or data[position + 1] in (0x00, 0xFF, *range(0xD0, 0xD8)):
            position = data.find(b"\xff", position + 1, place)
            if position < 0:
                break
            continue
        code, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        content = data[position + 4 : position + 2 + length]
        if code in (*_SEQUENTIAL, _PROGRESSIVE):
            scan.frame = code
        elif code == 0xC4:
            _read_tables(scan, content)
        elif code == 0xDA:
            scan.used = _used(scan, content)
        position += 2 + max(2, length)
    return scan


def _read_tables(scan: _Scan, content: bytes) -> None:
    at = 0
    while at + 17 < len(content):
        if content[at] & 0x10:
            scan.first_symbols[content[at] & 15] = content[at + 17]
        at += 17 + sum(content[at + 1 : at + 17])


def _used(scan: _Scan, content: bytes) -> tuple[int, ...]:
    """Returns the AC tables of a scan that codes coefficients for the first time; none for any other scan."""
    if len(content) < 4 + 2 * content[0]:
        return ()
    tables = tuple(content[2 + 2 * number] & 15 for number in range(content[0]))
    start, _, approximation = content[1 + 2 * content[0] : 4 + 2 * content[0]]
    if scan.frame == _PROGRESSIVE:
        return tables if start and not approximation >> 4 else ()
    return tables if scan.frame in _SEQUENTIAL else ()

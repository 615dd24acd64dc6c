"""`train check`: finds errors in a data set before hours of training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.training.config import TrainingError
from segmentation.training.sources import Bytes, Entry, decode, open_source

LEAK_BITS: Final = 6
"""Two pictures whose hashes differ in at most so many of 64 bits count as near-copies."""
EMPTY: Final = 0.0005
_ROWS: Final = 256


@dataclass(frozen=True)
class Finding:
    """kind: unreadable, mismatched, empty, full, duplicate, near_copy or leak. other: the stem of the picture
    that it repeats.
    """

    kind: str
    stem: str
    other: str = ""

    def __str__(self) -> str:
        return f"{self.kind}\t{self.stem}" + (f"\t{self.other}" if self.other else "")


@dataclass(frozen=True)
class _Scanned:
    entry: Entry
    problem: str
    digest: str
    hash: int


def check(data: Sequence[str], against: Sequence[str], loaders: int) -> Iterator[Finding]:
    """Yields every finding in the data sets. `against` lists test sets whose pictures must not be among
    them."""
    own = _scan([entry for spec in data for entry in open_source(spec).entries], loaders)
    yield from (Finding(row.problem, row.entry.stem) for row in own if row.problem)
    readable = [row for row in own if row.digest]
    seen: dict[str, str] = {}
    first: list[_Scanned] = []
    for row in readable:
        if row.digest in seen:
            yield Finding("duplicate", row.entry.stem, seen[row.digest])
        else:
            seen[row.digest] = row.entry.stem
            first.append(row)
    yield from _near_copies("near_copy", first, first)
    for spec in against:
        test = [row for row in _scan(list(open_source(spec).entries), loaders) if row.digest]
        yield from _near_copies("leak", readable, test)


def picture_hash(rgb: Bytes) -> int:
    """Returns 64 bits that change little when a picture is scaled or compressed ("dHash"): whether each of
    8×8 areas is darker than its right neighbour.
    """
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.packbits((grey[:, 1:] > grey[:, :-1]).ravel())
    return int.from_bytes(bits.tobytes())


def _scan(entries: list[Entry], loaders: int) -> list[_Scanned]:
    with ThreadPoolExecutor(loaders) as pool:
        return list(pool.map(_one, entries))


def _one(entry: Entry) -> _Scanned:
    try:
        image = entry.image()
        rgb, mask = decode(image, entry.truth(), entry.stem)
    except (TrainingError, OSError) as error:
        kind = "mismatched" if getattr(error, "code", "") == "mismatched_pair" else "unreadable"
        return _Scanned(entry, kind, "", 0)
    share = float(np.mean(mask >= 128))
    problem = "empty" if share < EMPTY else "full" if share > 1 - EMPTY else ""
    return _Scanned(entry, problem, hashlib.sha256(image).hexdigest(), picture_hash(rgb))


def _near_copies(kind: str, own: list[_Scanned], others: list[_Scanned]) -> Iterator[Finding]:
    """Yields pairs of near-copies; within one list each pair once."""
    if not own or not others:
        return
    same = own is others
    left, right = _hashes(own), _hashes(others)
    for start in range(0, len(left), _ROWS):
        distance = np.bitwise_count(left[start : start + _ROWS, None] ^ right[None, :])
        for row, column in zip(*np.nonzero(distance <= LEAK_BITS), strict=True):
            first, second = start + int(row), int(column)
            if not same or second < first:
                yield Finding(kind, own[first].entry.stem, others[second].entry.stem)


def _hashes(rows: list[_Scanned]) -> NDArray[np.uint64]:
    return np.array([row.hash for row in rows], np.uint64)

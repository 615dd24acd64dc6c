"""Tiles of a picture that lie on the cells of a much smaller grid: what is smooth is reckoned on the grid and
enlarged for a tile when the tile needs it, so that nothing of the picture's size is ever held.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Part = TypeVar("Part")
Made = TypeVar("Made")

_THREADS = 4


@dataclass(frozen=True, slots=True)
class Tile:
    """`pixels`: rows and columns of the picture. `cells`: those of the grid that they lie on, and one more
    on each side, to lay the lines between. `size`: (width, height) of the cells in pixels of the picture,
    `inside`: where in them the tile lies.
    """

    pixels: tuple[slice, slice]
    cells: tuple[slice, slice]
    size: tuple[int, int]
    inside: tuple[slice, slice]

    def enlarged(self, plane: Floats) -> Floats:
        """A plane of the grid, bilinearly at the tile's pixels; off by at most half a pixel of the picture,
        because cells are enlarged to whole pixels."""
        part = np.ascontiguousarray(plane[self.cells])
        return np.asarray(cv2.resize(part, self.size, interpolation=cv2.INTER_LINEAR)[self.inside])


def tiles(picture: tuple[int, int], grid: tuple[int, int], cells: int) -> list[Tile]:
    """The tiles of a picture, `cells` of the grid a side; sizes are (width, height), the grid's no larger."""
    across, down = (_spans(length, count, cells) for length, count in zip(picture, grid, strict=True))
    return [
        Tile((row[0], column[0]), (row[1], column[1]), (column[2], row[2]), (row[3], column[3]))
        for row in down
        for column in across
    ]


def _spans(length: int, count: int, cells: int) -> list[tuple[slice, slice, int, slice]]:
    """Along one side: pixels, cells, the cells' length in pixels, the pixels within that."""
    spans = []
    for start in range(0, count, cells):
        stop = min(count, start + cells)
        first, last = max(0, start - 1), min(count, stop + 1)
        begin, low, high, end = (round(cell * length / count) for cell in (first, start, stop, last))
        spans.append((slice(low, high), slice(first, last), end - begin, slice(low - begin, high - begin)))
    return spans


def every(work: Callable[[Part], Made], parts: Iterable[Part]) -> list[Made]:
    """What `work` makes of each part, in order; several at a time, for OpenCV and NumPy let go of the GIL.

    `work` must not call `every` itself: it would wait for threads that wait for it.
    """
    return list(_pool().map(work, parts))


@cache
def _pool() -> ThreadPoolExecutor:
    """One for all pictures: a new thread's first megabytes are page faults, which cost more than the work."""
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="tiles")


# A forked process has none of its parent's threads.
os.register_at_fork(after_in_child=_pool.cache_clear)

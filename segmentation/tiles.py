"""Tiles of a picture, aligned to the cells of a much smaller grid.

Smooth values are computed on the grid and enlarged for one tile at a time, so that no picture-sized array is
allocated.
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
Result = TypeVar("Result")

_THREADS = 4


@dataclass(frozen=True, slots=True)
class Tile:
    """`pixels`: rows and columns of the picture. `cells`: the grid cells they lie on, plus one on each side
    for interpolation. `size`: (width, height) of these cells in pixels of the picture. `inside`: the tile's
    position within them.
    """

    pixels: tuple[slice, slice]
    cells: tuple[slice, slice]
    size: tuple[int, int]
    inside: tuple[slice, slice]

    def enlarged(self, plane: Floats) -> Floats:
        """Returns a plane of the grid, interpolated bilinearly at the tile's pixels. Off by at most half a
        pixel of the picture, because cells are enlarged to whole pixels.
        """
        part = np.ascontiguousarray(plane[self.cells])
        return np.asarray(cv2.resize(part, self.size, interpolation=cv2.INTER_LINEAR)[self.inside])


def tiles(picture: tuple[int, int], grid: tuple[int, int], cells: int) -> list[Tile]:
    """Returns the tiles of a picture, `cells` grid cells a side. Sizes are (width, height); the grid's must
    not be larger.
    """
    across, down = (_spans(length, count, cells) for length, count in zip(picture, grid, strict=True))
    return [
        Tile((row[0], column[0]), (row[1], column[1]), (column[2], row[2]), (row[3], column[3]))
        for row in down
        for column in across
    ]


def _spans(length: int, count: int, cells: int) -> list[tuple[slice, slice, int, slice]]:
    """Returns, along one axis: pixels, cells, the cells' length in pixels, and the pixels' position within
    it.
    """
    spans = []
    for start in range(0, count, cells):
        stop = min(count, start + cells)
        first, last = max(0, start - 1), min(count, stop + 1)
        begin, low, high, end = (round(cell * length / count) for cell in (first, start, stop, last))
        spans.append((slice(low, high), slice(first, last), end - begin, slice(low - begin, high - begin)))
    return spans


def parallel_map(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Applies `work` to each part in parallel threads and returns the results in order. OpenCV and NumPy
    release the GIL.

    `work` must not call `parallel_map` itself: it would deadlock on its own pool.
    """
    return list(_pool().map(work, parts))


@cache
def _pool() -> ThreadPoolExecutor:
    """One pool for all pictures: page faults in a new thread's first megabytes cost more than the work."""
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="tiles")


# A forked process has none of its parent's threads.
os.register_at_fork(after_in_child=_pool.cache_clear)

"""Tiles of a picture that lie on the cells of a much smaller grid: what is smooth is reckoned on the grid and
enlarged for a tile when the tile needs it, so that nothing of the picture's size is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Part = TypeVar("Part")

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


def every(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Work on all parts of a picture, several at a time: OpenCV and NumPy let go of the interpreter."""
    with ThreadPoolExecutor(max(1, min(_THREADS, len(parts)))) as pool:
        list(pool.map(work, parts))

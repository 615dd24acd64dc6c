"""Tiles of a picture on the cells of a smaller grid."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.tiles import parallel_map, tiles


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 60), st.integers(1, 60), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_tiles_cover_every_pixel_once(width: int, height: int, across: int, down: int, cells: int) -> None:
    grid = (min(width, across), min(height, down))
    seen = np.zeros((height, width), int)
    plane = np.zeros((grid[1], grid[0]), np.float32)
    for tile in tiles((width, height), grid, cells):
        seen[tile.pixels] += 1
        assert tile.enlarged(plane).shape == seen[tile.pixels].shape
    assert (seen == 1).all()


def test_a_slope_enlarged_in_tiles_is_a_slope() -> None:
    # 40 cells to 400 pixels; inside, bilinear sampling of a straight line gives the line.
    plane = np.tile((np.arange(40, dtype=np.float32) + 0.5) * 10 - 0.5, (40, 1))
    found = np.zeros((400, 400), np.float32)
    for tile in tiles((400, 400), (40, 40), 8):
        found[tile.pixels] = tile.enlarged(plane)
    wanted = np.tile(np.arange(400, dtype=np.float32), (400, 1))
    np.testing.assert_allclose(found[:, 5:-5], wanted[:, 5:-5], atol=1e-3)


def test_parallel_map_keeps_the_order() -> None:
    assert parallel_map(lambda part: part * part, range(50)) == [part * part for part in range(50)]
    assert parallel_map(lambda part: part, []) == []


FORKED = """
import multiprocessing
from segmentation.tiles import parallel_map

def doubled():
    return parallel_map(lambda part: part * 2, range(8))

doubled()
with multiprocessing.get_context("fork").Pool(1) as pool:
    assert pool.apply_async(doubled).get(timeout=60) == [0, 2, 4, 6, 8, 10, 12, 14]
"""


def test_a_forked_process_has_its_own_threads() -> None:
    # In a process of its own: threads that other tests started may hold locks at the moment of the fork.
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=100)

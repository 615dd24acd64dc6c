"""Large results, one at a time in a process: a canvas of 50 megapixels and its encoder take a gigabyte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from segmentation.recipe import Recipe
from segmentation.result_size import expected

# Results of ordinary cameras are made side by side.
LARGE_PIXELS: Final = 25_000_000
# A lock that is waited for without a limit cannot be broken off by a shutdown or a time limit.
_LOOK_SECONDS: Final = 1.0


# One for all pipelines of this process.
_TURN: Final = threading.Lock()


@contextmanager
def one_at_a_time(width: int, height: int, recipe: Recipe) -> Iterator[None]:
    """A block that makes the recipe's result of a source of that size; where it is large, no other large one
    is made at the same time."""
    if not may_be_large(width, height, recipe):
        yield
        return
    while not _TURN.acquire(timeout=_LOOK_SECONDS):
        pass
    try:
        yield
    finally:
        _TURN.release()


def may_be_large(width: int, height: int, recipe: Recipe) -> bool:
    """Whether the result of a source of that size may have more than LARGE_PIXELS."""
    across, down = expected(width, height, recipe)
    return across * down > LARGE_PIXELS or _unknown(recipe)


def _unknown(recipe: Recipe) -> bool:
    """Whether the result may be much larger than expected: one side of a crop decides the other."""
    size = recipe.size
    if not recipe.crop or size is None or size.megapixels:
        return False
    return not (size.width and size.height) and max(size.width, size.height) ** 2 > LARGE_PIXELS

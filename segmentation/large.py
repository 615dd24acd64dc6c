"""Serialises large results in a process: a canvas of 50 megapixels and its encoder take a gigabyte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from segmentation.recipe import Recipe
from segmentation.result_size import expected

# Results of ordinary cameras are smaller and run in parallel.
LARGE_PIXELS: Final = 25_000_000
# Acquire with a time-out: a shutdown or time limit cannot interrupt a wait without one.
_POLL_SECONDS: Final = 1.0


# Shared by all pipelines of this process.
_LOCK: Final = threading.Lock()


@contextmanager
def large_result_lock(width: int, height: int, recipe: Recipe) -> Iterator[None]:
    """Context manager around rendering the recipe's result of a source of that size. At most one large result
    is rendered at a time.
    """
    if not may_be_large(width, height, recipe):
        yield
        return
    while not _LOCK.acquire(timeout=_POLL_SECONDS):
        pass
    try:
        yield
    finally:
        _LOCK.release()


def may_be_large(width: int, height: int, recipe: Recipe) -> bool:
    """Whether the result of a source of that size may have more than LARGE_PIXELS."""
    across, down = expected(width, height, recipe)
    return across * down > LARGE_PIXELS or _unknown(recipe)


def _unknown(recipe: Recipe) -> bool:
    """Whether the result may be much larger than expected: with a crop, one given side determines the
    other."""
    size = recipe.size
    if not recipe.crop or size is None or size.megapixels:
        return False
    return not (size.width and size.height) and max(size.width, size.height) ** 2 > LARGE_PIXELS

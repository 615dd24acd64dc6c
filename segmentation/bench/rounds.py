"""Comparative timing: every contender runs once in each round; results are medians over the rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tqdm import tqdm


@dataclass(frozen=True)
class Timing:
    """Medians in milliseconds: wall-clock time, and CPU time of all threads of this process."""

    wall: float
    cpu: float


def compare(contenders: Mapping[str, Callable[[], object]], rounds: int, title: str) -> dict[str, Timing]:
    """Runs each contender once as a warm-up, then `rounds` times in turns, so that a slow minute affects all
    of them.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for turn in tqdm(range(rounds + 1), desc=title, unit="round", disable=None, leave=False):
        for name, call in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            if turn:
                taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        name: Timing(*(1000 * statistics.median(column) for column in zip(*times, strict=True)))
        for name, times in taken.items()
    }

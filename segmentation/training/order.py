"""The order of training pictures: a pure function of the seed, so that a resumed run sees the same order.

Position p of the run is picture `order[p % n]` of epoch `p // n`. There is no state between two steps: every
process of a distributed run computes its own positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from segmentation.training.sources import Source


class Order:
    """Maps positions to pictures. Sources are mixed by size × weight; each repeats a picture only after all
    its pictures were used.
    """

    def __init__(self, sources: Sequence[Source], seed: int) -> None:
        self._sizes = [len(source.entries) for source in sources]
        self._seed = seed
        shares = np.array([size * source.weight for size, source in zip(self._sizes, sources, strict=True)])
        self.epoch = sum(self._sizes)
        # Integers that add up to an epoch: the largest remainders are rounded up.
        exact = shares / shares.sum() * self.epoch
        quotas = np.floor(exact).astype(int)
        for index in np.argsort(quotas - exact, kind="stable")[: self.epoch - int(quotas.sum())]:
            quotas[index] += 1
        self._quotas = [int(quota) for quota in quotas]
        self._of_epoch = lru_cache(maxsize=2)(self._shuffled)

    def at(self, position: int) -> int:
        """Returns the index of the picture at a position, counted over all sources in their order."""
        epoch, place = divmod(position, self.epoch)
        return int(self._of_epoch(epoch)[place])

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        chosen, before = [], 0
        for index, (size, quota) in enumerate(zip(self._sizes, self._quotas, strict=True)):
            # The position in this source's sequence of permutations after the previous epochs.
            start = epoch * quota
            first, last = start // size, (start + quota - 1) // size
            rounds = [
                np.random.default_rng([self._seed, 1, index, round_]).permutation(size)
                for round_ in range(first, last + 1)
            ]
            stretch = np.concatenate(rounds) if rounds else np.empty(0, np.int64)
            begin = start - first * size
            chosen.append(stretch[begin : begin + quota] + before)
            before += size
        everything = np.concatenate(chosen)
        return np.random.default_rng([self._seed, 2, epoch]).permutation(everything)


def positions(step: int, micro: int, *, accumulate: int, world: int, rank: int, batch: int) -> range:
    """Returns the positions of one forward pass of one process. Two processes with batches of B together see
    the same pictures as one process with a batch of 2 B.
    """
    start = ((step * accumulate + micro) * world + rank) * batch
    return range(start, start + batch)

"""Batches of augmented pictures, prefetched by threads, and their normalisation on the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from segmentation.shrink import DEVIATION, MEAN
from segmentation.training.augment import augment, crop_side, generator
from segmentation.training.config import TrainConfig
from segmentation.training.order import Order, positions
from segmentation.training.sources import Bytes, Pairs


@dataclass(frozen=True)
class Rank:
    """This process's rank among those that train together."""

    rank: int = 0
    world: int = 1


class Batches:
    """The batches of a run from a given step: uint8 tensors N×3×S×S and N×1×S×S."""

    def __init__(self, pairs: Pairs, order: Order, config: TrainConfig, place: Rank) -> None:
        self._pairs, self._order, self._config, self._place = pairs, order, config, place

    def from_step(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields endlessly the batch of each forward pass of each step, prefetching `prefetch` batches."""
        config = self._config
        with ThreadPoolExecutor(config.loaders) as pool:
            waiting: deque[list[Future[tuple[Bytes, Bytes]]]] = deque()
            number = step * config.accumulate
            try:
                while True:
                    while len(waiting) < config.prefetch:
                        waiting.append([pool.submit(self._one, *at) for at in self._places(number)])
                        number += 1
                    rows = [future.result() for future in waiting.popleft()]
                    pictures = np.stack([rgb for rgb, _ in rows]).transpose(0, 3, 1, 2)
                    truths = np.stack([mask for _, mask in rows])[:, None]
                    yield torch.from_numpy(np.ascontiguousarray(pictures)), torch.from_numpy(truths)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _places(self, number: int) -> list[tuple[int, int]]:
        step, micro = divmod(number, self._config.accumulate)
        side = crop_side(self._config, step)
        own = positions(
            step,
            micro,
            accumulate=self._config.accumulate,
            world=self._place.world,
            rank=self._place.rank,
            batch=self._config.batch,
        )
        return [(position, side) for position in own]

    def _one(self, position: int, side: int) -> tuple[Bytes, Bytes]:
        rng = generator(self._config.seed, position)
        other = None
        if self._config.recompose:
            other = self._pairs[int(rng.integers(len(self._pairs)))][0]
        return augment(self._pairs[self._order.at(position)], other, self._config, side, rng)


def normalised(pictures: Tensor, device: torch.device, channels_last: bool) -> Tensor:
    """N×3×H×W uint8 -> float32, the network's normalised input: divided by each picture's maximum, then
    ImageNet's mean and deviation.
    """
    moved = pictures.to(device, non_blocking=True).float()
    highest = moved.amax((1, 2, 3), keepdim=True).clamp_min(1)
    mean = torch.tensor(MEAN, device=device).view(1, 3, 1, 1)
    deviation = torch.tensor(DEVIATION, device=device).view(1, 3, 1, 1)
    ready = (moved / highest - mean) / deviation
    return ready.contiguous(memory_format=torch.channels_last) if channels_last else ready


def as_alpha(truths: Tensor, device: torch.device) -> Tensor:
    """N×1×H×W uint8 -> float32 in 0..1."""
    return truths.to(device, non_blocking=True).float() / 255

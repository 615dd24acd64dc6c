"""An exponential moving average of the weights, which is usually better than the weights of any single
step."""

from __future__ import annotations

import torch
from torch import Tensor

from segmentation.u2net import U2Net


class MovingAverage:
    """decay: share of the old average kept at each step. Early steps use less: (1 + n) / (10 + n)."""

    def __init__(self, network: U2Net, decay: float) -> None:
        self._decay = decay
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: U2Net, step: int) -> None:
        """Updates the average after a step; counters and other integers are copied."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)

    def load(self, state: dict[str, Tensor]) -> None:
        """Restores the average from a checkpoint."""
        for name, value in state.items():
            self.state[name].copy_(value)

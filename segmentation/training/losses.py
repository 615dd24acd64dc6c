"""Losses, each of N×1×H×W logits against N×1×H×W alpha in 0..1, both float32; each returns a scalar.

The paper sums binary cross-entropy over the fused map and the six side outputs (deep supervision).
`supervised` does the same with all enabled terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from segmentation.training.config import TrainConfig

Term = Callable[[Tensor, Tensor], Tensor]


def bce(logits: Tensor, alpha: Tensor) -> Tensor:
    """Binary cross-entropy, the mean over all pixels."""
    return functional.binary_cross_entropy_with_logits(logits, alpha)


def edge_bce(logits: Tensor, alpha: Tensor) -> Tensor:
    """Binary cross-entropy with a weight of 1 + 5·|local mean of alpha - alpha| per pixel, up to six at edges
    (Wei, Wang, Huang, "F³Net", AAAI 2020).
    """
    weight = (
        1
        + 5 * (functional.avg_pool2d(alpha, 31, stride=1, padding=15, count_include_pad=False) - alpha).abs()
    )
    loss = functional.binary_cross_entropy_with_logits(logits, alpha, reduction="none")
    return ((weight * loss).sum((1, 2, 3)) / weight.sum((1, 2, 3))).mean()


def iou(logits: Tensor, alpha: Tensor) -> Tensor:
    """1 - soft intersection over union, the mean over pictures (Qin et al., "BASNet", CVPR 2019)."""
    found = torch.sigmoid(logits)
    shared = (found * alpha).sum((1, 2, 3))
    joint = (found + alpha).sum((1, 2, 3)) - shared
    return (1 - (shared + 1) / (joint + 1)).mean()


def ssim(logits: Tensor, alpha: Tensor) -> Tensor:
    """1 - structural similarity in box windows of 11 pixels (Wang et al., IEEE TIP 2004)."""
    found = torch.sigmoid(logits)

    def mean(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 11, stride=1)

    mean_a, mean_b = mean(found), mean(alpha)
    variance_a, variance_b = mean(found**2) - mean_a**2, mean(alpha**2) - mean_b**2
    covariance = mean(found * alpha) - mean_a * mean_b
    similar = (2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4)
    return 1 - (similar / ((mean_a**2 + mean_b**2 + 1e-4) * (variance_a + variance_b + 9e-4))).mean()


def alpha_l1(logits: Tensor, alpha: Tensor) -> Tensor:
    """Mean absolute difference of alpha, for soft truths."""
    return (torch.sigmoid(logits) - alpha).abs().mean()


def gradient(logits: Tensor, alpha: Tensor) -> Tensor:
    """Mean absolute difference of the horizontal and vertical gradients of alpha."""
    found = torch.sigmoid(logits)
    across = (found[..., 1:] - found[..., :-1]) - (alpha[..., 1:] - alpha[..., :-1])
    down = (found[..., 1:, :] - found[..., :-1, :]) - (alpha[..., 1:, :] - alpha[..., :-1, :])
    return across.abs().mean() + down.abs().mean()


TERMS: dict[str, Term] = {
    "bce": bce,
    "edge_bce": edge_bce,
    "iou": iou,
    "ssim": ssim,
    "alpha_l1": alpha_l1,
    "gradient": gradient,
}


def supervised(outputs: Sequence[Tensor], alpha: Tensor, config: TrainConfig) -> Tensor:
    """The weighted sum of all terms over all outputs of the network."""
    wanted = [(getattr(config, name), term) for name, term in TERMS.items() if getattr(config, name)]
    total = torch.zeros((), device=alpha.device)
    for output in outputs:
        logits = output.float()
        for weight, term in wanted:
            total = total + weight * term(logits, alpha)
    return total


def distillation(outputs: Sequence[Tensor], taught: Tensor, config: TrainConfig) -> Tensor:
    """Cross-entropy of all outputs against the teacher's map (N×1×H×W in 0..1), times `teacher_weight`."""
    total = torch.zeros((), device=taught.device)
    for output in outputs:
        total = total + bce(output.float(), taught)
    return config.teacher_weight * total

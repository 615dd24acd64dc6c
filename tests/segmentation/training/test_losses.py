"""Each loss is 0 at the truth, positive elsewhere, and its gradient leads there; the paper's is a sum of
seven.
"""

from __future__ import annotations

import pytest
import torch

from segmentation.training.config import TrainConfig
from segmentation.training.losses import TERMS, distillation, supervised


def _truth() -> torch.Tensor:
    alpha = torch.zeros(2, 1, 32, 32)
    alpha[:, :, 8:24, 8:24] = 1
    return alpha


@pytest.mark.parametrize("name", TERMS)
def test_a_loss_is_minimal_at_the_truth_and_its_gradient_leads_there(name: str) -> None:
    alpha = _truth()
    right = (alpha * 2 - 1) * 20
    assert float(TERMS[name](right, alpha)) < 1e-3
    start = 0.1 * torch.randn(alpha.shape, generator=torch.Generator().manual_seed(0))
    logits = start.requires_grad_()
    loss = TERMS[name](logits, alpha)
    assert float(loss.detach()) > 0.01
    (step,) = torch.autograd.grad(loss, logits)
    with torch.no_grad():
        assert TERMS[name](logits - step / step.norm(), alpha) < loss


def test_the_papers_loss_is_the_sum_over_seven_outputs() -> None:
    alpha = _truth()
    outputs = [torch.full_like(alpha, float(n)) for n in range(7)]
    wanted = sum(float(TERMS["bce"](output, alpha)) for output in outputs)
    assert float(supervised(outputs, alpha, TrainConfig())) == pytest.approx(wanted, rel=1e-6)
    both = supervised(outputs, alpha, TrainConfig(bce=2, iou=0.5))
    extra = sum(float(TERMS["iou"](output, alpha)) for output in outputs)
    assert float(both) == pytest.approx(2 * wanted + 0.5 * extra, rel=1e-6)


def test_edges_weigh_more_in_the_edge_loss() -> None:
    alpha = torch.zeros(1, 1, 96, 96)
    alpha[:, :, 16:80, 16:80] = 1
    inside, at_edge = (torch.where(alpha > 0, 20.0, -20.0) for _ in range(2))
    inside[:, :, 48, 48] = -20
    at_edge[:, :, 16, 48] = -20
    assert TERMS["edge_bce"](at_edge, alpha) > TERMS["edge_bce"](inside, alpha)


def test_distillation_leads_to_the_teachers_map() -> None:
    taught = torch.full((1, 1, 8, 8), 0.3)
    logit = torch.logit(taught)
    config = TrainConfig(teacher="u2net", teacher_weight=2)
    best = float(distillation([logit], taught, config))
    assert best < float(distillation([logit + 1], taught, config))
    assert best < float(distillation([logit - 1], taught, config))

"""The networks: the paper's architecture, and a folded form that equals the training form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segmentation.u2net import ARCHITECTURES, FusedMap, U2Net, fold

# Counted from the paper's table 1: 112 blocks (conv + bias + scale + shift), six side outputs, one fusion.
WEIGHTS = {"u2net": 44_009_869, "u2netp": 1_131_181}


def _trained(name: str) -> U2Net:
    """A network with normalisation statistics other than the initial ones."""
    torch.manual_seed(7)
    network = ARCHITECTURES[name](False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


@pytest.mark.parametrize("name", ["u2net", "u2netp"])
def test_the_parameter_count_is_the_papers(name: str) -> None:
    network = ARCHITECTURES[name](False)
    assert sum(weight.numel() for weight in network.parameters()) == WEIGHTS[name]
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 112 + 6 + 1


@pytest.mark.parametrize("name", ["u2net", "u2netp"])
def test_seven_logits_of_the_inputs_size_even_when_sides_are_odd(name: str) -> None:
    network = ARCHITECTURES[name](True).eval()
    with torch.inference_mode():
        logits = network(torch.zeros(2, 3, 65, 99))
    assert [tuple(logit.shape) for logit in logits] == [(2, 1, 65, 99)] * 7


@pytest.mark.parametrize("name", ["u2net", "u2netp"])
def test_folded_equals_training_form(name: str) -> None:
    network = _trained(name)
    folded = fold(network)
    assert folded.folded
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    picture = torch.rand(1, 3, 96, 64)
    with torch.inference_mode():
        for ours, theirs in zip(folded(picture), network(picture), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_folding_twice_changes_nothing() -> None:
    once = fold(_trained("u2netp"))
    twice = fold(once)
    for (name, ours), theirs in zip(twice.state_dict().items(), once.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), name


def test_training_reaches_every_weight() -> None:
    network = ARCHITECTURES["u2netp"](False).train()
    loss = sum(logit.square().mean() for logit in network(torch.rand(2, 3, 64, 64)))
    assert isinstance(loss, torch.Tensor)
    loss.backward()  # type: ignore[no-untyped-call]
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


def test_fused_map_is_a_float32_probability() -> None:
    network = FusedMap(fold(_trained("u2netp"))).to(torch.bfloat16).eval()
    with torch.inference_mode():
        maps = network(torch.rand(2, 3, 64, 64, dtype=torch.bfloat16))
    assert maps.dtype == torch.float32
    assert tuple(maps.shape) == (2, 64, 64)
    assert 0.0 <= float(maps.min()) <= float(maps.max()) <= 1.0

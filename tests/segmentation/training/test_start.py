"""Initialisation of a run: BatchNorm restored without changing outputs, and the authors' names converted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from segmentation.training.config import TrainConfig, TrainingError
from segmentation.training.start import build, choose_parameters, from_authors, read_state, unfold
from segmentation.u2net import U2NET, U2NETP, U2Net, fold


def _lively(network: U2Net) -> U2Net:
    """Sets statistics other than BatchNorm's initial ones."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return network.eval()


def _close(one: U2Net, other: U2Net, tolerance: float) -> None:
    picture = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for a, b in zip(one(picture), other(picture), strict=True):
            torch.testing.assert_close(a, b, atol=tolerance, rtol=1e-4)


def test_unfolding_changes_nothing_in_eval_mode_and_folds_back() -> None:
    folded = fold(_lively(U2NETP()))
    batches = [torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(n)) for n in range(3)]
    network = unfold(folded, batches).eval()
    _close(network, folded, 1e-4)
    _close(fold(network), folded, 1e-4)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert len(norms) == 112
    assert all(float(norm.running_var.min()) > 0 for norm in norms)


def test_unfolding_requires_pictures() -> None:
    with pytest.raises(TrainingError, match="without pictures"):
        unfold(U2NETP(folded=True), [])


def _authors_names(network: U2Net) -> dict[str, torch.Tensor]:
    """Our weights under the names in the authors' files, derived from the published code's structure."""
    names = {}
    stages = [(f"stage{n + 1}", e) for n, e in enumerate(network.encoders)]
    stages += [(f"stage{5 - n}d", d) for n, d in enumerate(network.decoders)]
    for stage, block in stages:
        steps = len(block.down)
        places = {"rebnconvin": block.enter, f"rebnconv{steps + 1}": block.bottom}
        places |= {f"rebnconv{n + 1}": inner for n, inner in enumerate(block.down)}
        places |= {f"rebnconv{steps - n}d": inner for n, inner in enumerate(block.up)}
        for name, inner in places.items():
            names |= {f"{stage}.{name}.conv_s1.{k}": v for k, v in inner.conv.state_dict().items()}
            names |= {f"{stage}.{name}.bn_s1.{k}": v for k, v in inner.norm.state_dict().items()}
    for n, side in enumerate(network.sides):
        names |= {f"side{n + 1}.{k}": v for k, v in side.state_dict().items()}
    return names | {f"outconv.{k}": v for k, v in network.fuse.state_dict().items()}


@pytest.mark.parametrize("make", [U2NETP, U2NET])
def test_the_authors_checkpoints_are_loaded(make: type[U2Net], tmp_path: Path) -> None:
    network = _lively(make())
    torch.save(_authors_names(network), tmp_path / "u2net.pth")
    state = read_state(tmp_path / "u2net.pth")
    assert state.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0)


def test_an_unknown_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not one of"):
        from_authors({"conv1.weight": torch.zeros(1)})
    (tmp_path / "x.pth").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match="not a checkpoint"):
        read_state(tmp_path / "x.pth")
    with pytest.raises(TrainingError, match="no file"):
        read_state(tmp_path / "none.pth")
    torch.save(U2NET().state_dict(), tmp_path / "big.pth")
    with pytest.raises(TrainingError) as refused:
        build(TrainConfig(init_from=str(tmp_path / "big.pth")), [])
    assert refused.value.code == "bad_start"


def test_only_the_named_parameters_are_trained() -> None:
    network = U2NETP()
    chosen = choose_parameters(network, ("decoders.4", "sides", "fuse"))
    names = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert len(chosen) == len(names)
    assert all(name.startswith(("decoders.4.", "sides.", "fuse.")) for name in names)
    with pytest.raises(TrainingError, match="no parameter"):
        choose_parameters(network, ("decoder",))

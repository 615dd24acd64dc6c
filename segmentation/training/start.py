"""Initialises a run: from random weights, a published or registered model, or a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from segmentation.training.config import TrainConfig, TrainingError
from segmentation.u2net import ARCHITECTURES, ConvBlock, U2Net


def build(config: TrainConfig, batches: Iterable[Tensor]) -> U2Net:
    """Returns the network to train. batches: normalised pictures (N×3×H×W) to measure the statistics for
    restoring BatchNorm to published weights. Raises TrainingError `bad_start`, and WeightsError for a model's
    name.
    """
    make = ARCHITECTURES[config.architecture]
    if config.init_from == "scratch":
        return make()
    file = Path(config.init_from)
    if file.suffix in {".pt", ".pth"}:
        state = read_state(file)
    else:
        from segmentation import weights

        known = weights.load(config.init_from)
        if known.shape.name != config.architecture:
            raise _error(
                f"{config.init_from} is a {known.shape.name}, but the run trains a {config.architecture}."
            )
        state = known.state_dict()
    folded = not any(".norm." in name for name in state)
    network = make(folded=folded)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise _error(
            f"{config.init_from} does not hold the weights of a {config.architecture}: {error}"
        ) from error
    return network if not folded or config.keep_folded else unfold(network, batches)


def read_state(file: Path) -> dict[str, Tensor]:
    """Returns the weights in a checkpoint of `train` (the moving average, if there is one) or of the authors'
    code.
    """
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise _error(f"There is no file {file}.") from error
    except Exception as error:
        raise _error(f"{file.name} is not a checkpoint that PyTorch can read safely: {error}") from error
    if not isinstance(content, Mapping):
        raise _error(f"{file.name} holds no named weights.")
    if "model" in content:
        return dict(content["ema"] or content["model"])
    return from_authors(content)


_STAGES = {f"stage{n}": f"encoders.{n - 1}" for n in range(1, 7)} | {
    f"stage{n}d": f"decoders.{5 - n}" for n in range(1, 6)
}
_BLOCK = re.compile(r"(stage\dd?)\.rebnconv(in|\d)(d?)\.(conv|bn)_s1\.(\w+)")


def from_authors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Converts weights from the authors' names, such as `stage1.rebnconvin.conv_s1.weight`, to ours."""
    deepest: dict[str, int] = {}
    for name in state:
        if (found := _BLOCK.fullmatch(name)) and found[2] != "in":
            deepest[found[1]] = max(deepest.get(found[1], 0), int(found[2]))
    ours: dict[str, Tensor] = {}
    for name, value in state.items():
        if found := _BLOCK.fullmatch(name):
            stage, number, up, part, leaf = found.groups()
            bottom = deepest[stage]
            if number == "in":
                place = "enter"
            elif up:
                place = f"up.{bottom - 1 - int(number)}"
            else:
                place = "bottom" if int(number) == bottom else f"down.{int(number) - 1}"
            ours[f"{_STAGES[stage]}.{place}.{'conv' if part == 'conv' else 'norm'}.{leaf}"] = value
        elif found := re.fullmatch(r"side(\d)\.(\w+)", name):
            ours[f"sides.{int(found[1]) - 1}.{found[2]}"] = value
        elif found := re.fullmatch(r"outconv\.(\w+)", name):
            ours[f"fuse.{found[1]}"] = value
        else:
            raise _error(f"The checkpoint has a weight {name!r} that is not one of U²-Net's.")
    return ours


@torch.no_grad()
def unfold(folded: U2Net, batches: Iterable[Tensor]) -> U2Net:
    """Restores the training form of a folded network, with equal output in eval mode.

    Each BatchNorm gets the mean and variance of its convolution over `batches`, and the scale and shift that
    undo them, so that normalising by a batch's own statistics changes little.
    """
    sums: dict[nn.Module, tuple[Tensor, Tensor, int]] = {}

    def measure(conv: nn.Module, _: object, out: Tensor) -> None:
        values = out.double().transpose(0, 1).flatten(1)
        total, squares, count = sums.get(conv, (torch.zeros(1), torch.zeros(1), 0))
        sums[conv] = (total + values.sum(1), squares + (values**2).sum(1), count + values.shape[1])

    sources = [module for module in folded.modules() if isinstance(module, ConvBlock)]
    hooks = [block.conv.register_forward_hook(measure) for block in sources]
    folded.eval()
    try:
        for batch in batches:
            folded(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if not sums:
        raise _error("BatchNorm cannot be restored without pictures to measure: set `data`.")
    network = U2Net(folded.shape)
    network.sides.load_state_dict(folded.sides.state_dict())
    network.fuse.load_state_dict(folded.fuse.state_dict())
    targets = [module for module in network.modules() if isinstance(module, ConvBlock)]
    for source, target in zip(sources, targets, strict=True):
        total, squares, count = sums[source.conv]
        mean = total / count
        variance = (squares / count - mean**2).clamp_min(1e-8)
        norm = cast(nn.BatchNorm2d, target.norm)
        target.conv.load_state_dict(source.conv.state_dict())
        cast(Tensor, norm.running_mean).copy_(mean)
        cast(Tensor, norm.running_var).copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.copy_(mean)
    return network


def choose_parameters(network: U2Net, prefixes: tuple[str, ...]) -> list[nn.Parameter]:
    """Returns the parameters to train and freezes all others. Raises TrainingError `bad_setting` for no
    match.
    """
    chosen = []
    for name, parameter in network.named_parameters():
        wanted = not prefixes or any(name == p or name.startswith(f"{p}.") for p in prefixes)
        parameter.requires_grad_(wanted)
        if wanted:
            chosen.append(parameter)
    if not chosen:
        raise TrainingError("bad_setting", f"train_only names no parameter: {', '.join(prefixes)}.")
    return chosen


def _error(sentence: str) -> TrainingError:
    return TrainingError("bad_start", sentence)

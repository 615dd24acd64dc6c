"""U²-Net and its small form U²-Net† ("u2netp"), implemented from the paper.

X. Qin, Z. Zhang, C. Huang, M. Dehghan, O. R. Zaiane, M. Jagersand: "U²-Net: Going Deeper with Nested
U-Structure for Salient Object Detection", Pattern Recognition 106 (2020), arXiv:2005.09007; its table 1 and
figure 5 give every stage's height, width and dilations.

The network is a U of U-shaped blocks (RSU, "residual U-block"): six encoders, five decoders, a side output
from the last encoder and from each decoder, and one map fused from all six. Each convolution has two forms:
followed by batch normalisation (training), or with it folded into the weights (inference).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from segmentation.shapes import U2NET_SHAPE, U2NETP_SHAPE, Architecture, Stage


def _enlarge(x: Tensor, like: Tensor) -> Tensor:
    """Enlarges bilinearly to the height and width of `like`; returns the tensor unchanged if they agree."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return functional.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _halve(x: Tensor) -> Tensor:
    """Max pooling by two; an odd side is rounded up."""
    return functional.max_pool2d(x, kernel_size=2, stride=2, ceil_mode=True)


def _in_its_precision(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Runs a convolution in the precision of its own weights, so that one network can mix precisions."""
    return cast(Tensor, conv(x.to(conv.weight.dtype)))


class ConvBlock(nn.Module):
    """3×3 convolution, batch normalisation (unless folded), ReLU; keeps the map's size."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int, folded: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=dilation, dilation=dilation)
        self.norm: nn.Module = nn.Identity() if folded else nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(_in_its_precision(self.conv, x)), inplace=True)


class ResidualU(nn.Module):
    """RSU-L (or RSU-4F when dilated): a small U-Net whose output is added to that of its first
    convolution."""

    def __init__(self, stage: Stage, folded: bool) -> None:
        super().__init__()
        self.dilated = stage.dilated
        mid_channels, steps = stage.mid_channels, stage.height - 1
        dilations = [2**step if stage.dilated else 1 for step in range(steps)]
        self.enter = ConvBlock(stage.in_channels, stage.out_channels, 1, folded)
        self.down = nn.ModuleList(
            ConvBlock(
                stage.out_channels if step == 0 else mid_channels, mid_channels, dilations[step], folded
            )
            for step in range(steps)
        )
        self.bottom = ConvBlock(mid_channels, mid_channels, 2**steps if stage.dilated else 2, folded)
        self.up = nn.ModuleList(
            ConvBlock(
                2 * mid_channels, mid_channels if step > 0 else stage.out_channels, dilations[step], folded
            )
            for step in reversed(range(steps))
        )

    def forward(self, x: Tensor) -> Tensor:
        entered = cast(Tensor, self.enter(x))
        h, skips = entered, list[Tensor]()
        for step, block in enumerate(self.down):
            h = block(_halve(h) if step > 0 and not self.dilated else h)
            skips.append(h)
        h = self.bottom(h)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            h = block(torch.cat((_enlarge(h, skip), skip), dim=1))
        return cast(Tensor, h + entered)


class U2Net(nn.Module):
    """The whole network, in training form or (folded=True) in inference form.

    forward: N×3×H×W float, normalised pictures -> seven logits, each N×1×H×W: the fused one first, then the
    side outputs from the finest to the coarsest. A map is the sigmoid of a logit; training sums the losses.
    """

    def __init__(self, shape: Architecture, folded: bool = False) -> None:
        super().__init__()
        self.shape, self.folded = shape, folded
        self.encoders = nn.ModuleList(ResidualU(stage, folded) for stage in shape.encoders)
        self.decoders = nn.ModuleList(ResidualU(stage, folded) for stage in shape.decoders)
        # Side outputs are numbered as in the paper: from the finest decoder to the last encoder.
        widths = [stage.out_channels for stage in (*reversed(shape.decoders), shape.encoders[-1])]
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, kernel_size=3, padding=1) for width in widths)
        self.fuse = nn.Conv2d(len(widths), 1, kernel_size=1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        h, skips = x, list[Tensor]()
        for step, encoder in enumerate(self.encoders):
            h = encoder(_halve(h) if step > 0 else h)
            skips.append(h)
        outputs = [h]
        for decoder, skip in zip(self.decoders, reversed(skips[:-1]), strict=True):
            h = decoder(torch.cat((_enlarge(h, skip), skip), dim=1))
            outputs.append(h)
        sides = [
            _enlarge(_in_its_precision(cast(nn.Conv2d, side), out), x)
            for side, out in zip(self.sides, reversed(outputs), strict=True)
        ]
        return (_in_its_precision(self.fuse, torch.cat(sides, dim=1)), *sides)


class FusedMap(nn.Module):
    """A folded network for inference: N×3×H×W normalised pictures -> N×H×W map in 0..1, not yet stretched."""

    def __init__(self, network: U2Net) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        fused = cast(Tensor, self.network(x)[0])
        # A half-precision sigmoid has steps of 1/256 near one: the last operation is always float32.
        return torch.sigmoid(fused.float())[:, 0]


class U2NET(U2Net):
    """The paper's large network: 44 million weights."""

    def __init__(self, folded: bool = False) -> None:
        super().__init__(U2NET_SHAPE, folded)


class U2NETP(U2Net):
    """The paper's small network: 1.1 million weights."""

    def __init__(self, folded: bool = False) -> None:
        super().__init__(U2NETP_SHAPE, folded)


ARCHITECTURES: dict[str, type[U2NET] | type[U2NETP]] = {"u2net": U2NET, "u2netp": U2NETP}
"""How to build a network by the name of its architecture."""


def _fold_block(source: ConvBlock, target: ConvBlock) -> None:
    """scale = gamma / sqrt(variance + eps); weight · scale, (bias - mean) · scale + beta; in float64."""
    weight, bias = source.conv.weight.double(), cast(Tensor, source.conv.bias).double()
    norm = source.norm
    if isinstance(norm, nn.BatchNorm2d):
        mean, variance = cast(Tensor, norm.running_mean).double(), cast(Tensor, norm.running_var).double()
        scale = norm.weight.double() / torch.sqrt(variance + norm.eps)
        weight = weight * scale[:, None, None, None]
        bias = (bias - mean) * scale + norm.bias.double()
    target.conv.weight.copy_(weight)
    cast(Tensor, target.conv.bias).copy_(bias)


def _blocks(network: U2Net) -> list[ConvBlock]:
    return [module for module in network.modules() if isinstance(module, ConvBlock)]


@torch.no_grad()
def fold(network: U2Net) -> U2Net:
    """Folds a training network into its inference form: running statistics go into the preceding
    convolutions.

    Returns a new network in eval mode with the same output (to float32 rounding); a folded network is copied.
    """
    result = U2Net(network.shape, folded=True)
    result.sides.load_state_dict(network.sides.state_dict())
    result.fuse.load_state_dict(network.fuse.state_dict())
    for source, target in zip(_blocks(network), _blocks(result), strict=True):
        _fold_block(source, target)
    return result.eval()

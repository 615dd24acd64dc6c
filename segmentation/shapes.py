"""The architectures of the two networks, as numbers: table 1 of the U²-Net paper (arXiv:2005.09007)."""

from __future__ import annotations

from dataclasses import dataclass

INPUT_SIZE = 320
"""Side of the square pictures that the published weights were trained for, in pixels."""


@dataclass(frozen=True)
class Stage:
    """One row of the paper's table 1: the parameters of one residual U-block."""

    height: int
    in_channels: int
    mid_channels: int
    out_channels: int
    dilated: bool = False
    """RSU-4F: wider dilations in place of pooling, where the maps are already small."""


@dataclass(frozen=True)
class Architecture:
    """Encoders from the finest down, decoders from the coarsest up."""

    name: str
    encoders: tuple[Stage, ...]
    decoders: tuple[Stage, ...]


U2NET_SHAPE = Architecture(
    "u2net",
    encoders=(
        Stage(7, 3, 32, 64),
        Stage(6, 64, 32, 128),
        Stage(5, 128, 64, 256),
        Stage(4, 256, 128, 512),
        Stage(4, 512, 256, 512, dilated=True),
        Stage(4, 512, 256, 512, dilated=True),
    ),
    decoders=(
        Stage(4, 1024, 256, 512, dilated=True),
        Stage(4, 1024, 128, 256),
        Stage(5, 512, 64, 128),
        Stage(6, 256, 32, 64),
        Stage(7, 128, 16, 64),
    ),
)

U2NETP_SHAPE = Architecture(
    "u2netp",
    encoders=(
        Stage(7, 3, 16, 64),
        Stage(6, 64, 16, 64),
        Stage(5, 64, 16, 64),
        Stage(4, 64, 16, 64),
        Stage(4, 64, 16, 64, dilated=True),
        Stage(4, 64, 16, 64, dilated=True),
    ),
    decoders=(
        Stage(4, 128, 16, 64, dilated=True),
        Stage(4, 128, 16, 64),
        Stage(5, 128, 16, 64),
        Stage(6, 128, 16, 64),
        Stage(7, 128, 16, 64),
    ),
)

SHAPES = {shape.name: shape for shape in (U2NET_SHAPE, U2NETP_SHAPE)}

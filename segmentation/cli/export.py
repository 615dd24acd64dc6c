"""`python -m segmentation export CHECKPOINT --name NAME`: a trained network as a model of the platform."""

from __future__ import annotations

import argparse
from pathlib import Path

from segmentation.cli.checks import said

HELP = "make a served model of a training checkpoint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="best-*.pt or last.pt of a run")
    parser.add_argument("--name", required=True, help="the model's name, such as shoes-2027")
    parser.add_argument("--licence", default="own", help="the sentence or SPDX name of its licence")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="also write NAME.safetensors and its card NAME.md"
    )
    parser.add_argument("--replace", action="store_true", help="take the place of a registered model")


def run(args: argparse.Namespace) -> int:
    """0 when done; 1 after a sentence about what is wrong."""
    return said("export", _run, args)


def _run(args: argparse.Namespace) -> int:
    from segmentation.training.export import export

    file = export(args.checkpoint, args.name, args.licence, args.replace, args.out)
    print(f"{args.name} is registered: {file}")
    return 0

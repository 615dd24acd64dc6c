"""`python -m segmentation train CONFIG.toml` and `train check DATA…`."""

from __future__ import annotations

import argparse
from pathlib import Path

from segmentation.cli.checks import count, said

HELP = "train a network on pictures with ground truth"
DESCRIPTION = """
train CONFIG.toml [--setting value …]   train; options overrule the file, which may be left out
train check DATA… [--against TEST…]     list unreadable, mismatched, empty, duplicate and leaking pairs

DATA is a folder with im/ and gt/, a .tar shard, a folder of shards, or a .tsv index. docs/training.md
explains each step from data to a served model.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    from segmentation.training.config import add_options

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("what", nargs="*", metavar="CONFIG.toml | check DATA", help="see above")
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="TEST", help="test sets, for `train check`"
    )
    parser.add_argument("--readers", type=count, default=4, metavar="N", help="threads of `train check`")
    add_options(parser.add_argument_group("settings"))


def run(args: argparse.Namespace) -> int:
    """0 when done; 1 after a sentence about what is wrong, or after findings of `check`."""
    return said("train", _check if args.what[:1] == ["check"] else _train, args)


def _train(args: argparse.Namespace) -> int:
    from segmentation.training.config import TrainConfig, TrainingError, from_mapping, from_toml
    from segmentation.training.loop import train

    if len(args.what) > 1:
        raise TrainingError("bad_config", f"One CONFIG.toml, not {len(args.what)}.")
    values = from_toml(Path(args.what[0])) if args.what else {}
    values |= {name: value for name, value in vars(args).items() if name in TrainConfig.__dataclass_fields__}
    config = from_mapping(values)
    progress = train(config)
    best = f"; best maxF {progress.best[0][0]:.4f} in {progress.best[0][1]}" if progress.best else ""
    print(f"{progress.step} of {config.steps} steps, in {config.out}{best}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from segmentation.training.check import check
    from segmentation.training.config import TrainingError

    data = args.what[1:]
    if not data:
        raise TrainingError("no_data", "Name the data to check: train check DATA…")
    found = 0
    for finding in check(data, args.against, args.readers):
        print(finding)
        found += 1
    print(f"{found} finding{'' if found == 1 else 's'}")
    return 1 if found else 0

"""`python -m segmentation bench`: how fast this machine is, beside rembg."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

from segmentation.errors import SegmentationError

HELP = "measure speed, stage by stage, beside rembg"
PARTS = ("network", "whole", "folder")
DESCRIPTION = """
Measure the network alone in every engine and precision of this machine, one photo end to end with the time
of each stage, and a folder through the command line. Contenders take turns, each figure is a median, ratios
come first: milliseconds of a busy or another machine say little. ONNX Runtime is compared where it is
installed and `weights pull MODEL --keep-onnx` was run.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.description = DESCRIPTION
    add = parser.add_argument
    add("--photo", type=Path, required=True, nargs="+", metavar="FILE", help="real photos to measure with")
    add("--against", choices=("rembg",), help="also run the real rembg")
    add(
        "--rembg-python", default=sys.executable, metavar="PYTHON", help="the Python that has rembg installed"
    )
    add("--model", default="u2net", help="(default: u2net)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="(default: all)")
    add(
        "--sizes",
        nargs="+",
        type=float,
        default=[0.25, 2, 12, 24],
        metavar="MP",
        help="(default: 0.25 2 12 24)",
    )
    add("--batches", nargs="+", type=int, default=[1], metavar="N", help="of the network alone (default: 1)")
    add("--pictures", type=int, default=100, metavar="N", help="in the folder (default: 100)")
    add("--rounds", type=int, default=5, help="of each measurement (default: 5)")
    add("--threads", type=int, metavar="N", help="of the network (default: all cores)")
    add("--json", type=Path, metavar="FILE", help="also write every figure")


def run(args: argparse.Namespace) -> int:
    """Print the tables; 0, or 1 after a sentence about what is wrong."""
    try:
        report = _measure(args)
    except SegmentationError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from segmentation.bench import folder, network, whole
    from segmentation.bench.rembg import Rembg
    from segmentation.pipeline import Pipeline

    report: dict[str, object] = {"machine": platform.processor() or platform.machine(), "model": args.model}
    if "network" in args.parts:
        rows = network.measure(args.model, args.photo, args.device, args.batches, args.rounds, args.threads)
        report["network"] = rows
        _table("The network alone", rows)
    if "whole" in args.parts:
        pipeline = Pipeline(args.model, args.device, limits=whole.LIMITS, threads=args.threads)
        print(f"\n{pipeline.description}")
        if args.against:
            with Rembg(args.rembg_python, args.model) as rembg:
                rows = whole.measure(pipeline, args.photo[0], args.sizes, args.rounds, rembg)
        else:
            rows = whole.measure(pipeline, args.photo[0], args.sizes, args.rounds, None)
        pipeline.close()
        report["whole"] = rows
        _table("One photo, JPEG bytes to PNG bytes", rows)
    if "folder" in args.parts:
        python = args.rembg_python if args.against else None
        rows = [
            row
            for size in (1.5, 12)
            for row in folder.measure(args.model, args.photo[0], size, args.pictures, python)
        ]
        report["folder"] = rows
        _table("A folder through the command line", rows)
    report["peak_memory"] = folder.peak_memory()
    print(f"\npeak memory of this process: {folder.peak_memory() / 2**20:.0f} MiB")
    return report


def _table(title: str, rows: list[dict[str, object]]) -> None:
    """A Markdown table; the ratio is the first column where there is one."""
    names = sorted(
        {name for row in rows for name in row}, key=lambda name: (name != "ratio", _place(rows, name))
    )
    print(f"\n{title}\n\n| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for row in rows:
        print(f"| {' | '.join(_cell(row.get(name)) for name in names)} |")


def _place(rows: list[dict[str, object]], name: str) -> int:
    return max(list(row).index(name) for row in rows if name in row)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if value < 100 else f"{value:.0f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items())
    return "" if value is None else str(value)

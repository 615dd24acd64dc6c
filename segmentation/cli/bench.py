"""`python -m segmentation bench`: how fast this machine is, beside rembg."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from segmentation.bench.tables import Row, table
from segmentation.cli.checks import add_overwrite, amount, count, readable, ready_to_write, said, write_text

HELP = "measure speed, stage by stage, beside rembg"
PARTS = ("network", "whole", "folder", "maps")
DESCRIPTION = """
Measure the network alone in every engine and precision of this machine, one photo end to end with the time
of each stage, a folder through the command line, and, on a data set with truths, what each precision costs
against float32. Contenders take turns, each figure is a median, ratios
come first: milliseconds of a busy or another machine say little. ONNX Runtime is compared where it is
installed and `weights pull MODEL --keep-onnx` was run.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.description = DESCRIPTION
    add = parser.add_argument
    add("--photo", type=Path, default=[], nargs="+", metavar="FILE", help="real photos to measure with")
    add("--data", type=Path, metavar="DIR", help="for maps: a data set, as `evaluate` takes it")
    add("--limit", type=count, metavar="N", help="for maps: only N pictures, spread evenly over the set")
    add("--against", choices=("rembg",), help="also run the real rembg")
    add(
        "--rembg-python", default=sys.executable, metavar="PYTHON", help="the Python that has rembg installed"
    )
    add("--model", default="u2net", help="(default: u2net)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add("--parts", nargs="+", choices=PARTS, help="(default: all that the given photos and data allow)")
    add(
        "--sizes",
        nargs="+",
        type=amount,
        default=[0.25, 2, 12, 24],
        metavar="MP",
        help="(default: 0.25 2 12 24)",
    )
    add(
        "--batches", nargs="+", type=count, default=[1], metavar="N", help="of the network alone (default: 1)"
    )
    add("--pictures", type=count, default=100, metavar="N", help="in the folder (default: 100)")
    add("--folders", nargs="+", type=amount, default=[1.5, 12], metavar="MP", help="(default: 1.5 12)")
    add("--rounds", type=count, default=5, help="of each measurement (default: 5)")
    add("--threads", type=count, metavar="N", help="of the network (default: all cores)")
    add("--json", type=Path, metavar="FILE", help="also write every figure")
    add_overwrite(parser)
    add("--document", type=Path, metavar="FILE", help="also renew the tables in this Markdown file")


def run(args: argparse.Namespace) -> int:
    """Print the tables; 0, 1 after a sentence about what is wrong, 2 for options that do not fit."""
    parts = args.parts or [part for part in PARTS if (args.data if part == "maps" else args.photo)]
    if not parts or ("maps" in parts and not args.data) or (set(parts) - {"maps"} and not args.photo):
        print("bench: maps need --data, everything else needs --photo.", file=sys.stderr)
        return 2
    return said("bench", lambda args: _run(args, parts), args)


def _run(args: argparse.Namespace, parts: list[str]) -> int:
    for photo in args.photo:
        readable(photo)
    if args.document:
        readable(args.document)
        ready_to_write(args.document, overwrite=True)  # only what is between its marks
    if args.json:
        ready_to_write(args.json, overwrite=args.overwrite)
    report = _measure(args, parts)
    if args.json:
        write_text(args.json, json.dumps(report, indent=1) + "\n", overwrite=args.overwrite)
    return 0


def _measure(args: argparse.Namespace, parts: list[str]) -> dict[str, object]:
    from segmentation.bench import folder

    report: dict[str, object] = {"machine": platform.processor() or platform.machine(), "model": args.model}
    for part, measured in (("network", _network), ("whole", _whole), ("folder", _folder), ("maps", _maps)):
        if part in parts:
            title, rows = measured(args)
            report[part] = rows
            _show(args, part, title, rows)
    report["peak_memory"] = folder.peak_memory()
    print(f"\npeak memory of this process: {folder.peak_memory() / 2**20:.0f} MiB")
    return report


def _network(args: argparse.Namespace) -> tuple[str, list[Row]]:
    from segmentation.bench import network

    rows = network.measure(args.model, args.photo, args.device, args.batches, args.rounds, args.threads)
    return "The network alone", rows


def _whole(args: argparse.Namespace) -> tuple[str, list[Row]]:
    from segmentation.bench import whole
    from segmentation.bench.rembg import Rembg
    from segmentation.pipeline import Pipeline

    with (
        closing(Pipeline(args.model, args.device, limits=whole.LIMITS, threads=args.threads)) as pipeline,
        ExitStack() as stack,
    ):
        rembg = stack.enter_context(Rembg(args.rembg_python, args.model)) if args.against else None
        rows = whole.measure(pipeline, args.photo[0], args.sizes, args.rounds, rembg)
        return f"One photo, JPEG bytes to PNG bytes ({pipeline.description})", rows


def _folder(args: argparse.Namespace) -> tuple[str, list[Row]]:
    from segmentation.bench import folder

    python = args.rembg_python if args.against else None
    rows = [
        row
        for size in args.folders
        for row in folder.measure(args.model, args.photo[0], size, args.pictures, python)
    ]
    return "A folder through the command line", rows


def _maps(args: argparse.Namespace) -> tuple[str, list[Row]]:
    from segmentation.bench import maps

    rows = maps.measure(args.model, args.data, args.limit, args.device)
    return f"What a precision costs against float32, on {args.data.name}", rows


def _show(args: argparse.Namespace, part: str, title: str, rows: list[Row]) -> None:
    from segmentation.bench import document

    print(f"\n{title}\n\n{table(rows)}")
    if args.document:
        document.write(args.document, f"{part} {args.model}", table(rows))

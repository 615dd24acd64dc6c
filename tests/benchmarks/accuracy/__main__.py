"""`python -m tests.benchmarks.accuracy`: measures every figure of docs/accuracy.md again, against the real
rembg.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from segmentation.errors import SegmentationError
from segmentation.evaluation.dataset import DataSet, open_dataset
from segmentation.pipeline import Pipeline
from tests.benchmarks.accuracy import (
    bounds,
    colours,
    document,
    edges,
    options,
    page,
    shrinking,
    times,
    turned,
    whole,
)
from tests.benchmarks.accuracy.contenders import (
    DECONTAMINATE,
    MATTING,
    VITMATTE,
    Contender,
    cut_out,
    ours,
    theirs,
)
from tests.benchmarks.accuracy.rembg_client import Rembg, RembgError
from tests.benchmarks.accuracy.verdict import Measured, Verdict

LEVELS = ("off", "fast", "best")
KEYS = ("ours-off", "ours-fast", "ours-best", "rembg", "rembg-a", "rembg-dc", "rembg-vm", "rembg-bria-rmbg")
PARTS = ("edges", "whole", "colours", "bounds", "turned", "times", "options", "shrinking", "page")
# The parts whose figures a table needs.
NEEDED = {"options": {"edges", "colours", "times"}}
TIMED = ("photos/large-10mp.jpg", "bench/im/AlphaMatting27__GT20.png", "bench/im/AlphaMatting27__GT03.png")
SAMPLE = Path("static/samples/chelsea.png")  # public domain: see NOTICE for its author
STRIP = Path("img/side-by-side.webp")


def parser() -> argparse.ArgumentParser:
    """Returns the argument parser."""
    made = argparse.ArgumentParser(prog="python -m tests.benchmarks.accuracy", description=__doc__)
    add = made.add_argument
    add("--data", type=Path, default=Path("../shared/data"), help="the folder with bench/ and photos/")
    add("--rembg", type=Path, required=True, metavar="PYTHON", help="a Python with rembg[cpu] (make rembg)")
    add(
        "--rembg-home",
        type=Path,
        metavar="DIR",
        help="weights that rembg downloaded (~/.rembg): its -vm and its default model need them",
    )
    add("--out", type=Path, default=Path("var/accuracy"), help="where cut-outs, figures and the page go")
    add("--document", type=Path, default=Path("docs/accuracy.md"), help="the file whose tables are updated")
    add("--only", nargs="+", choices=PARTS, default=PARTS, help="only these parts (default: all)")
    add("--model", default="u2net")
    add("--rounds", type=int, default=3, help="rounds of the times; medians count (default: 3)")
    add("--photos", type=int, default=len(TIMED), help="times: of so many photos (default: all)")
    add(
        "--processor-time",
        action="store_true",
        help="times: CPU seconds instead of wall-clock time, for a busy machine",
    )
    add(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="shrinking: each Nth picture (default: 1)",
    )
    add(
        "--keep",
        nargs="+",
        choices=KEYS,
        default=(),
        metavar="WHO",
        help="reuse the cut-outs of these contenders from an earlier run",
    )
    return made


def run(args: argparse.Namespace) -> int:
    """Measures the chosen parts and updates their tables; returns 1 if a target is missed."""
    dataset = open_dataset(args.data / "bench")
    args.out.mkdir(parents=True, exist_ok=True)
    pipeline = Pipeline(args.model)
    pipeline.warm()
    only = {part for name in args.only for part in {name} | NEEDED.get(name, set())}
    home = args.out / "rembg"
    with (
        closing(pipeline),
        Rembg(args.rembg, home, (args.model,), args.rembg_home, processor=args.processor_time) as rembg,
    ):
        mine = [ours(pipeline, level, processor=args.processor_time) for level in LEVELS]
        plain = theirs(rembg, model=args.model)
        everyone = [*mine, plain, *(theirs(rembg, how, args.model) for how in (MATTING, DECONTAMINATE))]
        if "vitmatte" in rembg.own:
            everyone.append(theirs(rembg, VITMATTE, args.model))
        if "bria-rmbg" in rembg.own:
            everyone.append(theirs(rembg, model="bria-rmbg", usual=False))
        labels = {who.key: who.label for who in everyone}
        cutouts = args.out / "cutouts"
        parts: dict[str, str] = {}
        fresh: dict[str, list[Verdict]] = {}
        soft_keys = tuple(labels)

        how = f"Ours: {pipeline.description}. Theirs: rembg {rembg.versions['rembg']}, "
        how += f"ONNX Runtime {rembg.versions['onnxruntime']}, float32. Same weights, same pictures."

        if {"edges", "colours", "bounds", "page"} & only:
            _cut_out(dataset.of("soft"), everyone, cutouts, args.keep)
            found = edges.measure(dataset, cutouts, soft_keys)
            if "edges" in args.only:
                parts["edges"] = edges.report(found, labels)
                fresh["edges"] = edges.verdicts(found)
        if "colours" in only:
            shades = colours.measure(dataset, found.right, cutouts, soft_keys)
            if "colours" in args.only:
                parts["colours"] = colours.report(shades, labels)
                fresh["colours"] = colours.verdicts(shades)
        if "bounds" in only:
            parts["bounds"] = bounds.report(bounds.measure(dataset, found.right, cutouts))
        if "turned" in only:
            known = open_dataset(args.data / "train-small", "binary")
            parts["turned"] = turned.report(turned.measure(known, pipeline.predictor))
        if "whole" in only:
            _cut_out(dataset.of("binary"), [*mine, plain], cutouts, args.keep)
            judged = whole.measure(dataset, cutouts, tuple(who.key for who in [*mine, plain]))
            parts["whole"] = whole.report(judged, labels)
            fresh["whole"] = whole.verdicts(judged)
        if "times" in only:
            sources = [args.data / name for name in TIMED[: args.photos]]
            seconds = times.measure(
                sources,
                everyone,
                pipeline.predictor,
                args.out / "times",
                args.rounds,
                processor=args.processor_time,
            )
            if "times" in args.only:
                parts["times"] = times.report(seconds, labels)
                fresh["times"] = times.verdicts(seconds)
        if "options" in only:
            parts["options"] = options.report(found, shades, seconds, labels)
        if "shrinking" in only:
            some = replace(dataset, pairs=dataset.pairs[:: args.every])
            parts["shrinking"] = shrinking.report(shrinking.measure(some, pipeline.predictor))
        if "page" in only:
            notes = {
                stem.stem: f"IoU of the map {stem.values['IoU']:.2f}" for stem in found.scores["ours-off"]
            }
            shown = page.write(list(dataset.of("soft")), notes, labels, cutouts, args.out)
            sys.stdout.write(f"side by side: {shown}\n")
            shown_there = everyone[:5]
            strips = [args.out / f"{SAMPLE.stem}-{who.key}.png" for who in shown_there]
            for who, file in zip(shown_there, strips, strict=True):
                who.make(SAMPLE, file)
            page.strip(SAMPLE, [strips[1], strips[2], strips[3], strips[4]], args.document.parent / STRIP)

    # Read only now: another run may have measured another part meanwhile.
    measured = Measured.read(args.out / "figures.json")
    for part, lines in fresh.items():
        measured.put(part, lines, how)
    if fresh:
        measured.write(args.out / "figures.json")
        parts["verdicts"] = measured.report()
    document.write(args.document, parts)
    for name, text in parts.items():
        sys.stdout.write(f"\n## {name}\n\n{text}\n")
    return 0 if all(line.holds for line in measured.verdicts()) else 1


def _cut_out(dataset: DataSet, contenders: list[Contender], folder: Path, keep: Sequence[str]) -> None:
    for contender in contenders:
        cut_out(dataset, contender, folder, keep=contender.key in keep)


def main() -> int:
    """Runs, or prints the reason for a failure."""
    args = parser().parse_args()
    if not (args.data / "bench").is_dir():
        sys.stderr.write(f"There is no {args.data / 'bench'}: the benchmark pictures are missing.\n")
        return 2
    try:
        return run(args)
    except (SegmentationError, RembgError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""`python -m segmentation evaluate DATA`: the published metrics of a model, or of mattes made elsewhere."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from segmentation.cli.checks import add_overwrite, count, ready_to_write, said, write_text

HELP = "judge a model on a data set"
DESCRIPTION = """
Judge a model, with a way of refining, on a data set: a folder with pictures in im/ and truths of the same
stem in gt/, and perhaps an index.tsv (columns id, set, mask: alpha or binary) that gives a row for each set.

Against a yes-or-no truth: maxF (the best F, beta² = 0.3, of precision and recall averaged over the set), MAE,
wF (weighted F), Sm (structure measure), relaxF (boundary F with 3 pixels of slack). Against a real alpha:
SAD, MSE, Grad, Conn (Rhemann et al. 2009), band (mean error where the truth lies between .02 and .98, widened
by 10 pixels), IoU. docs/accuracy.md says where each comes from.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    from segmentation.backends.base import PRECISIONS
    from segmentation.recipe.core import REFINEMENTS
    from segmentation.shrink import SHRINK_METHODS

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    add = parser.add_argument
    add("data", metavar="DATA", type=Path, help="the folder with im/ and gt/")
    add("--model", default="u2net", help="a model's name, as in `weights list` (default: u2net)")
    add("--refine", choices=REFINEMENTS, default="fast", help="how mattes are refined (default: fast)")
    add(
        "--shrink",
        choices=SHRINK_METHODS,
        default="auto",
        help="the way to the network's 320×320 (default: auto)",
    )
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add("--precision", choices=PRECISIONS, default="auto", help="of the network (default: auto)")
    add("--mattes", metavar="DIR", type=Path, help="judge DIR/<stem>.png, made elsewhere, and run no model")
    add("--truth", choices=("binary", "soft"), help="the kind of truth, where index and truths mislead")
    add("--limit", metavar="N", type=count, help="only N pictures, spread evenly over the set")
    add("--workers", metavar="N", type=count, help="threads for the metrics (default: one a core)")
    add("--json", metavar="FILE", type=Path, help="also write every figure, each picture's too, as JSON")
    add_overwrite(parser)


def run(args: argparse.Namespace) -> int:
    """Print the tables, write the JSON; 0, or 1 after a sentence about what is wrong."""
    return said("evaluate", _run, args)


def _run(args: argparse.Namespace) -> int:
    from segmentation.evaluation.dataset import open_dataset
    from segmentation.evaluation.report import as_json, tables
    from segmentation.evaluation.run import evaluate, from_folder
    from segmentation.evaluation.scores import by_set

    dataset = open_dataset(args.data, args.truth, args.limit)
    if args.json:
        ready_to_write(args.json, overwrite=args.overwrite)  # hours may lie between this and the figures
    if args.mattes:
        mattes = from_folder(args.mattes)
        about: dict[str, object] = {"mattes": str(args.mattes)}
        title = f"mattes of {args.mattes}"
    else:
        from segmentation.evaluation.engine import from_engine
        from segmentation.predictor import Predictor

        predictor = Predictor(args.model, device=args.device, precision=args.precision)
        mattes = from_engine(predictor, args.refine, args.shrink)
        about = {"engine": predictor.description, "model": args.model}
        about |= {"refine": args.refine, "shrink": args.shrink}
        title = f"{predictor.description}, refine {args.refine}, shrink {args.shrink}"
    begin = perf_counter()
    judged = evaluate(dataset, mattes, args.workers)
    pairs = list(tqdm(judged, total=len(dataset), desc=dataset.name, unit="picture", disable=None))
    rows = by_set(pairs)
    print(
        f"{dataset.name}: {title}; {len(pairs)} pictures in {perf_counter() - begin:.0f} s\n\n{tables(rows)}"
    )
    if args.json:
        report = as_json(rows, pairs, {"data": dataset.name, **about})
        text = json.dumps(report, indent=1, allow_nan=False) + "\n"
        write_text(args.json, text, overwrite=args.overwrite)
    return 0

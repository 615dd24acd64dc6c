"""`python -m segmentation cutout IN... -o DIR`: pictures in, cut-outs out."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from segmentation.cli.checks import amount, ready_folder, reason, said
from segmentation.cli.recipe import add_recipe_arguments, read_recipe
from segmentation.cli.targets import Task, plan
from segmentation.errors import EngineError, SegmentationError, WeightsError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from segmentation.pipeline import Pipeline
    from segmentation.recipe import Recipe

HELP = "cut the subject out of pictures"
DESCRIPTION = """
Cut the subject out of each picture and write DIR/<stem>.<ext>. IN is a picture, or a folder whose pictures
are meant. Where two pictures would get the same name, the later one is numbered (photo-2.png), and a line
says so. A file that cannot be used gets a sentence, and the rest goes on. Decoding, network and encoding of
different pictures run at the same time.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    from segmentation.backends.base import ENGINES, PRECISIONS
    from segmentation.pictures import Limits
    from segmentation.result_size import MAX_PIXELS

    parser.description = DESCRIPTION
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", type=Path, help="pictures or folders")
    add(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        required=True,
        help="the folder to write into; made if absent",
    )
    add("--recursive", action="store_true", help="folders with all their sub-folders")
    add("--quiet", action="store_true", help="no progress bar")
    add_recipe_arguments(parser)
    engine = parser.add_argument_group("the engine")
    engine.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    engine.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of the network (default: auto)"
    )
    engine.add_argument("--engine", choices=ENGINES, default="auto", help="what runs it (default: auto)")
    engine.add_argument(
        "--jobs",
        type=int,
        default=0,
        metavar="N",
        help="pictures in hand at once (default: two more than cores)",
    )
    limit = Limits().max_pixels / 1e6
    engine.add_argument(
        "--max-megapixels",
        type=amount,
        default=limit,
        metavar="MP",
        help=f"refuse larger ones (default: {limit:g}); a side has at most {Limits().max_side:,} pixels",
    )
    most = MAX_PIXELS / 1e6
    engine.add_argument(
        "--max-result-megapixels",
        type=amount,
        default=most,
        metavar="MP",
        help=f"refuse larger results, unless their source is as large (default: {most:g})",
    )


def run(args: argparse.Namespace) -> int:
    """0 if every picture was written, 1 if any was not (a sentence on stderr says why), 2 for a wrong
    recipe."""
    try:
        recipe = read_recipe(args)
    except SegmentationError as error:
        print(f"cutout: {error}", file=sys.stderr)
        return 2
    return said("cutout", lambda args: _run(args, recipe), args)


def _run(args: argparse.Namespace, recipe: Recipe) -> int:
    tasks, notes = plan(args.inputs, args.output, recipe.extension, args.recursive)
    failed = 0
    for note in notes:
        print(f"cutout: {note.sentence}", file=sys.stderr)
        failed += note.failure
    if tasks:
        pipeline, backdrop = _prepare(args, recipe)
        failed += _work(tasks, pipeline, recipe, backdrop, args)
        pipeline.close()
    elif not failed:
        print("cutout: there is no picture in these folders.", file=sys.stderr)
        failed = 1
    return 1 if failed else 0


def _prepare(args: argparse.Namespace, recipe: Recipe) -> tuple[Pipeline, NDArray[uint8] | None]:
    """The loaded engine, and the background picture if the recipe names one. What is refused quickly is
    refused first."""
    from segmentation.cli.backdrop import read_backdrop
    from segmentation.pictures import Limits
    from segmentation.pipeline import Pipeline

    backdrop = read_backdrop(recipe)
    ready_folder(args.output)
    limits = Limits(max_bytes=1 << 40, max_pixels=int(args.max_megapixels * 1e6))
    pipeline = Pipeline(recipe.model, args.device, args.precision, limits, engine=args.engine)
    print(f"cutout: {pipeline.description}", file=sys.stderr)
    return pipeline, backdrop


def _work(
    tasks: list[Task],
    pipeline: Pipeline,
    recipe: Recipe,
    backdrop: NDArray[uint8] | None,
    args: argparse.Namespace,
) -> int:
    """Every task through a few threads; returns how many failed. Each failure is said when it happens."""
    # Two more than cores: one reads and writes while the others compute.
    threads = args.jobs if args.jobs > 0 else (os.cpu_count() or 1) + 2
    most_pixels = int(args.max_result_megapixels * 1e6)
    failed = 0
    bar = tqdm(total=len(tasks), unit="picture", desc="cutout", disable=True if args.quiet else None)
    with ThreadPoolExecutor(threads, "cutout") as pool, bar:
        futures: dict[Future[None], Task] = {
            pool.submit(_one, task, pipeline, recipe, backdrop, most_pixels): task for task in tasks
        }
        try:
            for future in as_completed(futures):
                sentence = _failure(future)
                if sentence:
                    failed += 1
                    tqdm.write(f"cutout: {futures[future].source}: {sentence}", file=sys.stderr)
                bar.update()
        except (KeyboardInterrupt, EngineError, WeightsError):
            # Nobody waits, or every other picture would fail for the same reason.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed


def _failure(future: Future[None]) -> str:
    """What a person is told of a task that failed. An error of the engine is raised: no picture is to blame.
    So is one that is neither ours nor the file system's."""
    error = future.exception()
    if error is None:
        return ""
    if isinstance(error, EngineError | WeightsError) and error.code != "out_of_memory":
        raise error
    if isinstance(error, SegmentationError):
        return str(error)
    if isinstance(error, OSError):
        return reason(error)
    raise error


def _one(
    task: Task, pipeline: Pipeline, recipe: Recipe, backdrop: NDArray[uint8] | None, most_pixels: int
) -> None:
    segmented = pipeline.segment(task.source, recipe)
    data = pipeline.file(segmented, recipe, backdrop, last=True, most_pixels=most_pixels).data
    # Whole or not at all: an interrupted run leaves no half file under the final name.
    part = task.target.with_name(_name_of_part(task.target.name))
    try:
        part.write_bytes(data)
        os.replace(part, task.target)
    finally:
        part.unlink(missing_ok=True)


def _name_of_part(name: str) -> str:
    """Short, for the result's own name may be as long as the file system allows; the same each time, so that
    a killed run's is written over by the next."""
    return f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}.part"

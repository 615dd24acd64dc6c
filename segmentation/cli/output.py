"""What `-o` names: a folder, one file, or standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from segmentation.cli.finding import STDIN
from segmentation.errors import SegmentationError
from segmentation.pictures import names

STDOUT: Final = "-"
# Which format a file's name asks for.
_FORMATS: Final = {
    "png": "png", "jpg": "jpeg", "jpeg": "jpeg", "jpe": "jpeg", "webp": "webp", "avif": "avif", "zip": "zip",
}  # fmt: skip


@dataclass(frozen=True)
class Output:
    """Where results go. format: what a file's suffix asks for; "" for folders and standard output."""

    kind: Literal["folder", "file", "stdout"]
    path: Path = Path()
    format: str = ""


def read_output(text: str, inputs: Sequence[str]) -> Output:
    """The meaning of `-o`: what ends in a picture's suffix is a file, unless there is a folder of that name.

    Raises SegmentationError `one_result` where several pictures would go into one file or one pipe,
    `not_written` for a format that no result has, `terminal` for standard output that is a screen,
    `no_output` for an empty name.
    """
    if text == STDOUT:
        _only_one(inputs, "standard output")
        if sys.stdout.isatty():
            raise SegmentationError(
                "terminal", "The result is no text for a terminal: send it to a pipe or a file."
            )
        return Output("stdout")
    if not text:
        raise SegmentationError("no_output", "-o is empty: name a folder or a file.")
    path = Path(text)
    suffix = path.suffix[1:].lower()
    ends_as_folder = os.path.basename(text) in ("", ".")
    if ends_as_folder or os.path.isdir(path) or suffix not in {*_FORMATS, *names.SUFFIXES}:
        return Output("folder", path)
    if suffix not in _FORMATS:
        sentence = f"{path}: no result is written as {suffix}; choose png, jpg, webp, avif or zip."
        raise SegmentationError("not_written", sentence)
    _only_one(inputs, f"{path}, which is a file")
    return Output("file", path, _FORMATS[suffix])


def _only_one(inputs: Sequence[str], where: str) -> None:
    if len(inputs) == 1 and (inputs[0] == STDIN or not os.path.isdir(inputs[0])):
        return
    what = "Several pictures" if len(inputs) > 1 else "The pictures of a folder"
    raise SegmentationError("one_result", f"{what} cannot go into {where}: give a folder with -o.")

"""Which files are meant, and under which name each result goes."""

from __future__ import annotations

import os.path
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segmentation.cli.checks import reason
from segmentation.pictures import names


@dataclass(frozen=True)
class Task:
    """One picture, and the file to write for it."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Note:
    """Something to say before the work starts; `failure`: an input was left out."""

    sentence: str
    failure: bool


def plan(
    inputs: Iterable[Path], folder: Path, extension: str, recursive: bool
) -> tuple[list[Task], list[Note]]:
    """A task for each picture: folder/<stem>.<extension>, numbered where an earlier one has that name.

    No input is ever written over: such a task is left out with a note. The same file named twice is done
    once.
    """
    notes: list[Note] = []
    sources: dict[Path, Path] = {}
    for path in inputs:
        try:
            if path.is_dir():
                inside, left_out = _pictures(path, recursive)
                for one in inside:
                    sources.setdefault(_real(one), one)
                if left_out:
                    notes.append(Note(_said_of(path, left_out), failure=False))
            elif path.exists():
                sources.setdefault(_real(path), path)
            else:
                notes.append(Note(f"{path}: there is no such file.", failure=True))
        except OSError as error:  # a name that is too long, a folder that may not be listed
            notes.append(Note(f"{path}: {reason(error)}", failure=True))
    # Names that someone has by right come before numbers, so that a-2.jpg keeps its own.
    wanted = {source.stem.casefold() for source in sources.values()}
    taken: set[str] = set()
    tasks: list[Task] = []
    for source in sources.values():
        stem = _free(source.stem, taken, wanted)
        taken.add(stem.casefold())
        target = folder / f"{stem}.{extension}"
        if _real(target) in sources:
            sentence = f"{source}: its result would overwrite the picture {target}: choose another folder."
            notes.append(Note(sentence, failure=True))
            continue
        if stem != source.stem:
            notes.append(Note(f"{source}: the name is taken, so the result is {target.name}.", failure=False))
        tasks.append(Task(source, target))
    return tasks, notes


def _real(path: Path) -> Path:
    """As `resolve`, which raises for a loop of links and for what is too long; here that is not the place."""
    return Path(os.path.realpath(path))


def _free(stem: str, taken: set[str], wanted: set[str]) -> str:
    """The stem, or the first numbered one that nobody has; case is ignored, as some file systems do."""
    if stem.casefold() not in taken:
        return stem
    number = 2
    while f"{stem}-{number}".casefold() in taken | wanted:
        number += 1
    return f"{stem}-{number}"


def _pictures(folder: Path, recursive: bool) -> tuple[list[Path], list[Path]]:
    """The pictures of a folder, and its other files. A file that is named is judged by its bytes alone; here
    other files lie around. Hidden files are neither."""
    found: list[Path] = []
    left_out: list[Path] = []
    for path in sorted(folder.rglob("*") if recursive else folder.iterdir()):
        if not names.is_hidden(path.name) and path.is_file():
            (found if _is_meant(path) else left_out).append(path)
    return found, left_out


def _is_meant(path: Path) -> bool:
    by_name = names.may_be_picture(path.name)
    if by_name is not None:
        return by_name
    try:
        with path.open("rb") as file:
            return names.starts_like_picture(file.read(names.HEAD_BYTES))
    except OSError:
        return True  # the attempt to read it will say why


def _said_of(folder: Path, left_out: list[Path]) -> str:
    shown = ", ".join(path.name for path in left_out[:3]) + (" and others" if len(left_out) > 3 else "")
    count = f"{len(left_out)} file{'' if len(left_out) == 1 else 's'}"
    return f"{folder}: left out, because it is no picture: {count} ({shown})."

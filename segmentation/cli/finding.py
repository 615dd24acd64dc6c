"""Which pictures the inputs of a command mean, with a line for everything that is left out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

from segmentation.cli.checks import reason
from segmentation.file_names import UNNAMED
from segmentation.pictures import names

STDIN: Final = "-"
_NO_PICTURE: Final = "because it is no picture"
_RESULTS: Final = "because the results go there"
_SHOWN: Final = 3  # names in a line that is about several


@dataclass(frozen=True)
class Found:
    """A picture to read. folder: the folders between the input that was named and the picture."""

    path: Path
    folder: PurePath = field(default_factory=PurePath)
    stdin: bool = False

    @property
    def name(self) -> str:
        """The file's name; results are called after it."""
        return UNNAMED if self.stdin else self.path.name

    def __str__(self) -> str:
        return "standard input" if self.stdin else str(self.path)


@dataclass(frozen=True)
class Note:
    """Something to say before the work starts; `failure`: an input was left out that was meant."""

    sentence: str
    failure: bool


@dataclass
class Pictures:
    """What was found, in order and each file once; what to say; which folders were read."""

    found: list[Found] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    folders: set[Path] = field(default_factory=set)

    def say(self, path: object, sentence: str, failure: bool = False) -> None:
        """Add a line about an input."""
        self.notes.append(Note(f"{path}: {sentence}", failure))


def real(path: Path) -> Path:
    """As `resolve`, which raises for a loop of links and for what is too long; here that is not the place."""
    return Path(os.path.realpath(path))


def find(inputs: Iterable[str | Path], recursive: bool = False, results: Path | None = None) -> Pictures:
    """The pictures of the inputs: files, folders, and "-" for standard input.

    results: the folder that the results go to; it is never read. Links to files are followed, links to
    folders only where they are named as an input, so that no folder is read in circles.
    """
    pictures = Pictures()
    known: dict[Path, Path] = {}
    for given in inputs:
        if given == STDIN:
            if any(one.stdin for one in pictures.found):
                pictures.say("standard input", "left out, because it is named twice.")
            else:
                pictures.found.append(Found(Path(STDIN), stdin=True))
            continue
        path = Path(given)
        try:
            if given == "":  # a variable of a shell; as a path it would mean the current folder
                pictures.notes.append(Note("An input is empty: name a file or a folder.", failure=True))
            elif path.is_dir():
                _folder(pictures, known, path, recursive, results)
            else:
                path.stat()
                _take(pictures, known, Found(path))
        except FileNotFoundError:
            dead = "this link leads to no file." if path.is_symlink() else "there is no such file."
            pictures.say(path, dead, failure=True)
        except OSError as error:  # a name that is too long, a loop of links
            pictures.say(path, reason(error), failure=True)
    return pictures


def _take(pictures: Pictures, known: dict[Path, Path], one: Found) -> None:
    """Take a file, unless it was taken under another name."""
    whole = real(one.path)
    first = known.setdefault(whole, one.path)
    if first is one.path:
        pictures.found.append(one)
    elif os.path.abspath(first) != os.path.abspath(one.path):
        pictures.say(one.path, f"left out, because it is the same file as {first}.")


def _folder(
    pictures: Pictures, known: dict[Path, Path], top: Path, recursive: bool, results: Path | None
) -> None:
    if results is not None and _same(top, results):
        sentence = "the results would go among the pictures: choose another folder for them."
        pictures.say(top, sentence, failure=True)
        return
    left_out: dict[str, list[Path]] = {}
    for entry in _walk(pictures, top, recursive, results, left_out):
        why = _why_not(entry)
        if why is None:
            _take(pictures, known, Found(entry, entry.parent.relative_to(top)))
        elif why:
            left_out.setdefault(why, []).append(entry)
    for why, paths in left_out.items():
        pictures.say(top, f"left out, {why}: {_listed(paths)}.")


def _walk(
    pictures: Pictures, top: Path, recursive: bool, results: Path | None, left_out: dict[str, list[Path]]
) -> Iterator[Path]:
    """The files of a folder in order, with --recursive those of its sub-folders, too. No recursion: folders
    may be nested deeper than Python's stack."""
    waiting = [top]
    while waiting:
        path = waiting.pop()
        if path is not top:
            try:
                mode = path.lstat().st_mode
            except OSError as error:
                pictures.say(path, reason(error), failure=True)
                continue
            link = stat.S_ISLNK(mode)
            if link and _inside(path, results) and not _inside(top, results):
                pictures.say(path, "left out, because it is a link into the folder of the results.")
                continue
            if not (stat.S_ISDIR(mode) or (link and os.path.isdir(path))):
                yield from _file(pictures, path)
                continue
            why = _why_not_folder(path, recursive, results)
            if link:
                pictures.say(path, "left out, because it is a link to a folder: name it as an input.")
                continue
            if why:
                left_out.setdefault(why, []).append(path)
                continue
        try:
            children = sorted(path.iterdir(), reverse=True)
        except OSError as error:
            pictures.say(path, reason(error), failure=True)
            continue
        pictures.folders.add(real(path))
        waiting += children


def _file(pictures: Pictures, path: Path) -> Iterator[Path]:
    """The file itself; a line instead where its link leads nowhere."""
    try:
        path.stat()
    except OSError as error:
        meant = names.may_be_picture(path.name) is not False
        dead = "this link leads to no file." if isinstance(error, FileNotFoundError) else reason(error)
        pictures.say(path, f"left out: {dead}", failure=meant)
        return
    yield path


def _why_not_folder(path: Path, recursive: bool, results: Path | None) -> str:
    """Why a sub-folder is not read; "" for one that is."""
    if results is not None and _same(path, results):
        return _RESULTS
    if names.is_hidden(path.name):
        return "because it is hidden"
    if not recursive:
        return "because folders in a folder are read with --recursive only"
    return ""


def _why_not(path: Path) -> str | None:
    """Why a file in a folder is left out; None: it is taken. "" where nobody needs to be told.

    A file that is named is judged by its bytes alone; in a folder other files lie around.
    """
    if names.is_hidden(path.name):
        # Folders are full of hidden files that nobody would take for pictures.
        return "because it is hidden" if path.suffix[1:].lower() in names.SUFFIXES else ""
    if not path.is_file():
        return "because it is no file"
    by_name = names.may_be_picture(path.name)
    if by_name is not None:
        return None if by_name else _NO_PICTURE
    try:
        with path.open("rb") as file:
            return None if names.starts_like_picture(file.read(names.HEAD_BYTES)) else _NO_PICTURE
    except OSError:
        return None  # the attempt to read it will say why


def _inside(path: Path, results: Path | None) -> bool:
    return results is not None and real(path).is_relative_to(real(results))


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:  # the folder of results is not there yet
        return False


def _listed(paths: Sequence[Path]) -> str:
    shown = ", ".join(path.name for path in paths[:_SHOWN]) + (" and others" if len(paths) > _SHOWN else "")
    kind = "folder" if paths[0].is_dir() else "file"
    return f"{len(paths)} {kind}{'' if len(paths) == 1 else 's'} ({shown})"

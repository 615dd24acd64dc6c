"""Under which name each result goes, and which of those names may be written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from segmentation.cli.finding import Found, Note, Pictures, real
from segmentation.cli.writing import exists, taken
from segmentation.file_names import MAX_BYTES, cut, shortened, with_extension

# What file systems take.
NAME_BYTES: Final = 255
WAYS: Final = "--overwrite replaces such files, --skip-existing passes them over."


@dataclass(frozen=True)
class Task:
    """One picture, and the file to write for it; None: standard output."""

    source: Found
    target: Path | None


def plan(pictures: Pictures, folder: Path, extension: str) -> tuple[list[Task], list[Note]]:
    """A task for each picture: folder/<folders of the input>/<stem>.<extension>.

    A name that an earlier picture has is numbered, one that is too long is cut. No input is ever written
    over, and no result goes into a folder that was read: such a task is left out with a note.
    """
    found = pictures.found
    sources = _Sources(found)
    wanted = [one.folder / result_name(one.name, extension) for one in found]
    names = _Names(wanted)
    tasks: list[Task] = []
    notes: list[Note] = []
    for one, name in zip(found, wanted, strict=True):
        # The first choice, not a numbered one: else each run over its own results would make more of them.
        if folder / name in sources:
            notes.append(_refused(one, f"overwrite the picture {folder / name}"))
            continue
        free = names.free(name)
        while folder / free in sources:
            free = names.free(name)
        target = folder / free
        if pictures.folders and real(target.parent) in pictures.folders:
            notes.append(_refused(one, f"go among the pictures in {target.parent}"))
            continue
        if free != name:
            notes.append(Note(f"{one}: the name is taken, so the result is {free.name}.", failure=False))
        elif name.name != with_extension(one.name, extension):
            notes.append(Note(f"{one}: the name is too long, so the result is {free.name}.", failure=False))
        tasks.append(Task(one, target))
    return tasks, notes


def _refused(one: Found, what: str) -> Note:
    return Note(f"{one}: its result would {what}: choose another folder.", failure=True)


def single(one: Found, target: Path) -> tuple[list[Task], list[Note]]:
    """The task of one picture whose result has a name of its own; never the picture's."""
    if target in _Sources([one]):
        return [], [Note(f"{one}: its result would overwrite it: choose another name.", failure=True)]
    return [Task(one, target)], []


def writable(tasks: Iterable[Task], overwrite: bool, skip: bool) -> tuple[list[Task], list[Note]]:
    """The tasks whose names are free, or all with `overwrite`; with `skip` one line says how many are left
    out."""
    kept: list[Task] = []
    notes: list[Note] = []
    passed = 0
    for task in tasks:
        try:
            free = overwrite or task.target is None or not exists(task.target)
        except OSError:
            free = True  # writing will say why it does not go
        if free or task.target is None:
            kept.append(task)
        elif skip:
            passed += 1
        else:
            notes.append(Note(f"{task.source}: {taken(task.target, WAYS)}", failure=True))
    if passed:
        were = "1 result is" if passed == 1 else f"{passed} results are"
        notes.append(Note(f"{were} there already: left out.", failure=False))
    return kept, notes


def result_name(name: str, extension: str) -> str:
    """A file's name with another extension; cut as the site cuts names where it would be too long."""
    result = with_extension(name, extension)
    return result if _fits(result) else with_extension(shortened(name), extension)


def _fits(name: str) -> bool:
    return len(name.encode("utf-8", "surrogateescape")) <= NAME_BYTES


class _Sources:
    """The files that are read, by whatever path one comes to them."""

    def __init__(self, found: Iterable[Found]) -> None:
        paths = [one.path for one in found if not one.stdin]
        self._paths = {real(path) for path in paths}
        self._files = {identity for path in paths if (identity := _identity(path))}

    def __contains__(self, path: Path) -> bool:
        # Some file systems ignore case: the path is another, the file is the same.
        return real(path) in self._paths or _identity(path) in self._files


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Names:
    """Gives each name once, then numbered ones that nobody has; case is ignored, as some file systems do."""

    def __init__(self, wanted: Iterable[PurePath]) -> None:
        # Names that someone has by right come before numbers, so that a-2.jpg keeps its own.
        self._wanted = {_folded(name) for name in wanted}
        # No result has the name of a folder of another.
        self._taken = {_folded(above) for name in wanted for above in name.parents}
        # Where to go on counting: thousands of pictures may share one name.
        self._last: dict[str, int] = {}

    def free(self, name: PurePath) -> PurePath:
        """The name, or the first numbered one that is free."""
        key = _folded(name)
        number = self._last.get(key, 0) + 1
        candidate = _numbered(name, number)
        while _folded(candidate) in self._taken or (number > 1 and _folded(candidate) in self._wanted):
            number += 1
            candidate = _numbered(name, number)
        self._last[key] = number
        self._taken.add(_folded(candidate))
        return candidate


def _folded(name: PurePath) -> str:
    return str(name).casefold()


def _numbered(name: PurePath, number: int) -> PurePath:
    if number == 1:
        return name
    numbered = f"{name.stem}-{number}{name.suffix}"
    if not _fits(numbered):
        numbered = f"{cut(name.stem, MAX_BYTES - len(name.suffix))}-{number}{name.suffix}"
    return name.with_name(numbered)

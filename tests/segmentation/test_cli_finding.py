"""Which pictures the command line accepts, and its messages about the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segmentation.cli.finding import find


def _made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def _said(top: Path, *inputs: str | Path, recursive: bool = True, results: Path | None = None) -> list[str]:
    return [
        f"{note.sentence.replace(str(top), '.')}{' !' if note.failure else ''}"
        for note in find(inputs, recursive, results).notes
    ]


def test_subfolders_are_read_only_with_recursive(tmp_path: Path) -> None:
    top = _made(tmp_path / "in", "one.JPG", "deep/two.webp", ".hidden.png", ".DS_Store", "deep/three.txt")
    shallow = find([top])
    assert [(one.name, str(one.folder)) for one in shallow.found] == [("one.JPG", ".")]
    assert [note.sentence for note in shallow.notes] == [
        f"{top}: left out, because it is hidden: 1 file (.hidden.png).",
        f"{top}: left out, because folders in a folder are read with --recursive only: 1 folder (deep).",
    ]
    deep = find([top], recursive=True)
    assert [(one.name, str(one.folder)) for one in deep.found] == [("two.webp", "deep"), ("one.JPG", ".")]
    assert [note.sentence for note in deep.notes] == [
        f"{top}: left out, because it is hidden: 1 file (.hidden.png).",
        f"{top}: left out, because it is no picture: 1 file (three.txt).",
    ]


def test_every_link_gives_a_picture_or_a_message(tmp_path: Path) -> None:
    top = _made(tmp_path / "in", "a.jpg", "folder/b.jpg")
    _made(tmp_path / "elsewhere", "c.jpg")
    (top / "a-link.jpg").symlink_to("a.jpg")
    (top / "again").symlink_to("folder")
    (top / "away").symlink_to(tmp_path / "elsewhere")
    (top / "circle").symlink_to(".")
    (top / "dead.jpg").symlink_to("nowhere.jpg")
    (top / "dead.txt").symlink_to("nowhere.txt")
    (top / "loop.png").symlink_to("loop.png")
    assert [one.name for one in find([top], recursive=True).found] == ["a-link.jpg", "b.jpg"]
    assert _said(tmp_path, top) == [
        "./in/a.jpg: left out, because it is the same file as ./in/a-link.jpg.",
        "./in/again: left out, because it is a link to a folder: name it as an input.",
        "./in/away: left out, because it is a link to a folder: name it as an input.",
        "./in/circle: left out, because it is a link to a folder: name it as an input.",
        "./in/dead.jpg: left out: this link leads to no file. !",
        "./in/dead.txt: left out: this link leads to no file.",
        "./in/loop.png: left out: Too many levels of symbolic links. !",
    ]
    assert [one.name for one in find([top / "away"]).found] == ["c.jpg"]
    assert _said(tmp_path, top / "dead.jpg", top / "none.jpg", "") == [
        "./in/dead.jpg: this link leads to no file. !",
        "./in/none.jpg: there is no such file. !",
        "An input is empty: name a file or a folder. !",
    ]


def test_inputs_named_twice_are_processed_once(tmp_path: Path) -> None:
    top = _made(tmp_path, "a.jpg", "b.jpg")
    os.link(top / "b.jpg", top / "hard.jpg")  # another name for the same file, as good as the first
    inputs = [top / "a.jpg", top, "-", "-", f"{top}/../{top.name}/a.jpg"]
    assert [str(one) for one in find(inputs).found] == [
        str(top / "a.jpg"), str(top / "b.jpg"), str(top / "hard.jpg"), "standard input",
    ]  # fmt: skip
    assert _said(tmp_path, *inputs) == ["standard input: left out, because it is named twice."]


def test_inputs_that_are_not_files_are_reported(tmp_path: Path) -> None:
    top = _made(tmp_path / "in", "a.jpg")
    os.mkfifo(top / "pipe.jpg")
    assert [one.name for one in find([top]).found] == ["a.jpg"]
    assert _said(tmp_path, top) == ["./in: left out, because it is no file: 1 file (pipe.jpg)."]
    assert [one.name for one in find([top / "pipe.jpg"]).found] == ["pipe.jpg"]


def test_the_output_folder_is_never_read(tmp_path: Path) -> None:
    top = _made(tmp_path / "in", "a.jpg", "deep/out/a.png", "deep/b.jpg")
    out = top / "deep" / "out"
    assert [one.name for one in find([top], True, out).found] == ["a.jpg", "b.jpg"]
    expected = ["./in: left out, because the results go there: 1 folder (out)."]
    assert _said(tmp_path, top, results=out) == expected
    (tmp_path / "link").symlink_to(out)  # by another path
    assert _said(tmp_path, top, results=tmp_path / "link") == expected
    (top / "best.png").symlink_to(out / "a.png")
    (top / "latest").symlink_to(out)
    assert [one.name for one in find([top], True, out).found] == ["a.jpg", "b.jpg"]
    assert _said(tmp_path, top, results=out) == [
        "./in/best.png: left out, because it is a link into the folder of the results.",
        "./in/latest: left out, because it is a link into the folder of the results.",
        *expected,
    ]
    for results in (top, tmp_path / "in" / "deep" / ".."):
        assert find([top], True, results).found == []
        assert _said(tmp_path, top, results=results) == [
            "./in: the results would go among the pictures: choose another folder for them. !"
        ]


def test_a_folder_that_cannot_be_read_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = _made(tmp_path / "in", "a.jpg", "closed/b.jpg")
    real = Path.iterdir

    def iterdir(self: Path) -> object:
        if self.name == "closed":  # root may read everything
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert [one.name for one in find([top], recursive=True).found] == ["a.jpg"]
    assert _said(tmp_path, top) == ["./in/closed: Permission denied. !"]

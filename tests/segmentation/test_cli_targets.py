"""The names under which the command line writes, and what it never replaces."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segmentation.cli.finding import find
from segmentation.cli.targets import plan, single, writable
from segmentation.cli.writing import write_file


def _made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def _planned(out: Path, *inputs: Path, recursive: bool = True) -> tuple[list[str], list[str]]:
    tasks, notes = plan(find(inputs, recursive, out), out, "png")
    return [str(task.target.relative_to(out)) for task in tasks if task.target], [
        note.sentence.replace(str(out.parent), ".") for note in notes
    ]


def test_input_folders_are_kept_in_the_output(tmp_path: Path) -> None:
    top = _made(tmp_path / "in", "p.jpg", "red/p.jpg", "red/dark/p.jpg", "blue/p.jpg")
    assert _planned(tmp_path / "out", top) == (["blue/p.png", "p.png", "red/dark/p.png", "red/p.png"], [])


def test_numbering_never_takes_another_pictures_name(tmp_path: Path) -> None:
    names = ("a/p.jpg", "a/p-2.jpg", "b/p.jpg", "b/P.png")
    _made(tmp_path, *names)
    targets, notes = _planned(tmp_path / "out", *(tmp_path / name for name in names), tmp_path / "a")
    assert targets == ["p.png", "p-2.png", "p-3.png", "P-4.png"]
    assert notes == [
        "./b/p.jpg: the name is taken, so the result is p-3.png.",
        "./b/P.png: the name is taken, so the result is P-4.png.",
    ]


def test_no_result_has_the_name_of_a_result_folder(tmp_path: Path) -> None:
    top = _made(tmp_path / "in", "x.jpg", "x.png/y.jpg")
    assert _planned(tmp_path / "out", top)[0] == ["x-2.png", "x.png/y.png"]


def test_long_names_are_cut_and_still_differ(tmp_path: Path) -> None:
    one, two = "ü" * 124 + "abc.jp2", "ü" * 124 + "abd.jp2"  # with .webp they would have 256 bytes
    top = _made(tmp_path / "in", one, two)
    tasks, notes = plan(find([top]), tmp_path / "out", "webp")
    assert [task.target.name for task in tasks if task.target] == ["ü" * 118 + ".webp", "ü" * 118 + "-2.webp"]
    assert notes[0].sentence == f"{top / one}: the name is too long, so the result is {'ü' * 118}.webp."
    assert [note.failure for note in notes] == [False, False]
    for folder in "ab":  # they fit, but not with a number
        _made(tmp_path / folder, "x" * 251 + ".jpg")
    targets, _ = _planned(tmp_path / "out", tmp_path / "a", tmp_path / "b")
    assert targets == ["x" * 251 + ".png", "x" * 236 + "-2.png"]


def test_inputs_are_never_overwritten(tmp_path: Path) -> None:
    """Inputs named one by one may lie in the output folder: a second run over both adds nothing."""
    _made(tmp_path, "a.jpg", "a.png")
    first, notes = _planned(tmp_path, tmp_path / "a.jpg", tmp_path / "a.png")
    assert first == []
    assert [Path(note.split(":")[0]).name for note in notes] == ["a.jpg", "a.png"]
    assert "would overwrite the picture" in notes[0]
    os.link(tmp_path / "a.jpg", tmp_path / "b.png")  # the same file, as on a file system that ignores case
    (one,) = find([tmp_path / "a.jpg"]).found
    assert single(one, tmp_path / "b.png")[0] == []
    assert len(single(one, tmp_path / "c.png")[0]) == 1


def test_no_result_is_written_into_an_input_folder(tmp_path: Path) -> None:
    out = _made(tmp_path / "out", "sub/sub/x.jpg", "sub/y.jpg")
    targets, notes = _planned(out, out / "sub")
    assert targets == ["y.png"]
    assert notes == [
        "./out/sub/sub/x.jpg: its result would go among the pictures in ./out/sub: choose another folder."
    ]


def test_an_existing_name_fails_or_is_skipped_or_overwritten(tmp_path: Path) -> None:
    top = _made(tmp_path / "in", "a.jpg", "b.jpg", "c.jpg")
    out = _made(tmp_path / "out", "a.png")
    (out / "b.png").symlink_to("nowhere")  # a dead link counts, too
    tasks, _ = plan(find([top]), out, "png")
    kept, notes = writable(tasks, overwrite=False, skip=False)
    assert [task.source.name for task in kept] == ["c.jpg"]
    assert [note.failure for note in notes] == [True, True]
    assert notes[0].sentence == (
        f"{top}/a.jpg: {out}/a.png is there already and was left as it is. "
        "--overwrite replaces such files, --skip-existing passes them over. (file_exists)"
    )
    kept, notes = writable(tasks, overwrite=False, skip=True)
    assert [task.source.name for task in kept] == ["c.jpg"]
    assert [(note.sentence, note.failure) for note in notes] == [
        ("2 results are there already: left out.", False)
    ]
    assert writable(tasks, overwrite=True, skip=False) == (tasks, [])


@pytest.mark.parametrize("links", [True, False])
def test_a_file_created_meanwhile_is_not_replaced(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    write_file(tmp_path / "new", b"ours", overwrite=False)
    (tmp_path / "theirs").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "theirs", b"ours", overwrite=False)
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    (tmp_path / "link").symlink_to("theirs")
    write_file(tmp_path / "link", b"ours", overwrite=True)
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert {path.name: path.is_symlink() for path in tmp_path.iterdir()} == {
        "new": False, "theirs": False, "link": False,
    }  # fmt: skip
    assert {(tmp_path / name).read_bytes() for name in ("new", "link")} == {b"ours"}

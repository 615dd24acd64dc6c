"""One list of picture names and signatures for the command line, the page and the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentation.cli.finding import find
from segmentation.pictures import names
from segmentation.pictures.types import FORMATS
from tests.segmentation.samples.rows import ROWS


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_made_file_starts_like_a_picture(name: str) -> None:
    made = ROWS[name]()
    head = made.data[: names.HEAD_BYTES]
    assert names.starts_like_picture(head)
    assert any(head[at : at + len(start)] == start for at, start in FORMATS[made.format].signatures)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("a.HIF", True),
        ("a.hif", True),
        ("a.heifs", True),
        ("a.JPG", True),
        ("a.ico", True),
        ("a.ppm", True),
        ("a.dib", True),
        ("folder.jpg/a.txt", False),
        ("a.txt", False),
        ("a.nef", False),
        ("DSC0001", None),
        ("._a.jpg", False),
        ("folder/._a.jpg", False),
        ("folder\\._a.jpg", False),
        (".a.jpg", False),
        (".DS_Store", False),
    ],
)
def test_may_be_picture_by_name(name: str, meant: bool | None) -> None:
    assert names.may_be_picture(name) is meant


def test_sidecars() -> None:
    assert names.is_sidecar("shoes/._a.jpg")
    assert not names.is_sidecar("_a.jpg")
    assert not names.is_sidecar(".a.jpg")


@pytest.mark.parametrize(
    "head", [b"", b"BA", b"Dear all", b"%PDF-1.7", b"\0\5\x16\7\0\2\0\0", b"P7\n", b"P12 a"]
)
def test_signatures_of_other_files(head: bytes) -> None:
    assert not names.starts_like_picture(head)


def test_the_page_gets_the_same_list() -> None:
    page = names.for_page()
    assert page["accept"].split(",") == ["image/*", *(f".{suffix}" for suffix in names.SUFFIXES)]
    assert page["suffixes"].split() == list(names.SUFFIXES)
    places = [one.split(":") for one in page["signatures"].split()]
    assert tuple((int(at), bytes.fromhex(start)) for at, start in places) == names.SIGNATURES


def test_a_folder_on_the_command_line(tmp_path: Path) -> None:
    """Pictures by name, those without a suffix by their bytes, and a line about the rest."""
    picture = ROWS["png rgb 8 bit"]().data
    for name in ("a.HIF", "DSC0001", "b.png", "._b.png", ".hidden.png"):
        (tmp_path / name).write_bytes(picture)
    for name in ("notes.txt", "README", "c.xmp", "d.doc"):
        (tmp_path / name).write_bytes(b"Dear all")

    pictures = find([tmp_path])

    assert sorted(one.name for one in pictures.found) == ["DSC0001", "a.HIF", "b.png"]
    assert [(note.sentence, note.failure) for note in pictures.notes] == [
        (f"{tmp_path}: left out, because it is hidden: 2 files (._b.png, .hidden.png).", False),
        (
            f"{tmp_path}: left out, because it is no picture: 4 files (README, c.xmp, d.doc and others).",
            False,
        ),
    ]

"""ZIP archives of results: names, folders, length in advance, and a manifest of unfinished pictures."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from django.utils import timezone

from accounts.models import User
from common.spreadsheet import escape_formula
from jobs import names, selectors
from jobs.archive import archive_name, results_archive
from jobs.models import Job, Picture
from tests.jobs.factories import bare_job, complete_all, pictures_of

pytestmark = pytest.mark.django_db


def opened(job: Job) -> zipfile.ZipFile:
    archive = results_archive(selectors.every_picture_of(job))
    length, data = len(archive), b"".join(archive)
    assert len(data) == length
    return zipfile.ZipFile(io.BytesIO(data))


def rename(job: Job, *facts: dict[str, object]) -> None:
    for picture, changes in zip(pictures_of(job), facts, strict=True):
        Picture.objects.filter(pk=picture.pk).update(**changes)


def test_the_archive_has_all_finished_pictures_in_their_folders(user: User) -> None:
    job = bare_job(user, 3)
    complete_all(job)
    rename(job, {"folder": "shoes/red"}, {"folder": "shoes/blue"}, {})

    with opened(job) as archive:
        assert archive.namelist() == ["shoes/red/picture-0.png", "shoes/blue/picture-1.png", "picture-2.png"]
        assert archive.testzip() is None


def test_equal_names_are_numbered_within_a_folder(user: User) -> None:
    job = bare_job(user, 3)
    complete_all(job)
    rename(
        job,
        {"folder": "a", "name": "x.jpg"},
        {"folder": "a", "name": "X.png"},
        {"folder": "b", "name": "x.jpg"},
    )

    with opened(job) as archive:
        assert archive.namelist() == ["a/x.png", "a/X (2).png", "b/x.png"]


def test_unfinished_pictures_are_listed_in_a_manifest(user: User) -> None:
    job = bare_job(user, 2)
    complete_all(job)
    rename(
        job,
        {"name": "=HYPERLINK(1).jpg"},
        {"state": "failed", "error_code": "broken_picture", "error_sentence": "It is broken, sadly."},
    )

    with opened(job) as archive:
        assert archive.namelist() == ["=HYPERLINK(1).png", "manifest.csv"]
        rows = list(csv.reader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
    assert rows == [
        ["picture", "state", "file", "code", "sentence"],
        ["'=HYPERLINK(1).jpg", "done", "'=HYPERLINK(1).png", "", ""],
        ["picture-1.png", "failed", "", "broken_picture", "It is broken, sadly."],
    ]


@pytest.mark.parametrize(
    ("cell", "guarded"),
    [
        ("cat.png", False),
        ("", False),
        ("a=b.png", False),
        ("‘quoted’.png", False),
        *(
            (f"{start}{character}1+1.png", True)
            for character in "=+-@|%＝＋－＠｜％"
            for start in ("", " ", "\u00a0", '"', " '")
        ),
        ("\tcat.png", True),
        ("\r=1", True),
        ("\n=1", True),
        ("'=1", True),
    ],
)
def test_cells_that_could_be_formulas_are_escaped(cell: str, guarded: bool) -> None:
    assert escape_formula(cell) == (f"'{cell}" if guarded else cell)


def test_every_cell_of_the_manifest_is_escaped_and_quoted(user: User) -> None:
    """With a semicolon as the separator, a name that contains one must not become two cells."""
    job = bare_job(user, 2)
    complete_all(job)
    facts = {"error_code": "=code", "error_sentence": "|sentence"}
    rename(job, {"name": "a;=1+1.png"}, {"state": "failed", "name": "|calc.png", **facts})
    with opened(job) as archive:
        text = archive.read("manifest.csv").decode("utf-8-sig")
    assert text.splitlines() == [
        '"picture","state","file","code","sentence"',
        '"a;=1+1.png","done","a;=1+1.png","",""',
        """ "'|calc.png","failed","","'=code","'|sentence" """.strip(),
    ]


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("a.jpg", ""),
        ("shoes/red/a.jpg", "shoes/red"),
        ("shoes\\red\\a.jpg", "shoes/red"),
        ("/etc/a.jpg", "etc"),
        ("../../up/a.jpg", "up"),
        ("a/./b/../c/x.jpg", "a/b/c"),
        ("CON/aux.txt/x.jpg", "_CON/_aux.txt"),
        ("a:b/c?/x.jpg", "a_b/c_"),
        ("/".join("abcdefghijkl") + "/x.jpg", "a/b/c/d/e/f/g/h"),
        ("ä" * 100 + "/x.jpg", "ä" * 30),
    ],
)
def test_folders_of_a_path(path: str, folder: str) -> None:
    assert names.folder(path) == folder


def test_archive_names_have_title_date_and_id(user: User) -> None:
    first, second = bare_job(user, title='cat: "best".jpg'), bare_job(user, title="x" * 255)
    day = f"{timezone.localtime(first.created_at):%Y-%m-%d}"
    assert archive_name(first) == f"cat_ _best_.jpg {day} {first.pk.hex[-6:]}.zip"
    assert archive_name(second) == f"{'x' * 180} {day} {second.pk.hex[-6:]}.zip"


def test_slashes_in_titles_are_replaced(user: User) -> None:
    job = bare_job(user, title="Order 12/34: “ü” \\ Dr. Smith and the holiday photos")
    assert archive_name(job).startswith("Order 12_34_ “ü” _ Dr. Smith and the holiday photos 20")


def test_a_file_never_has_the_name_of_a_folder(user: User) -> None:
    """Unpacking programs stop if a name is both a file and a folder."""
    job = bare_job(user, 4)
    complete_all(job)
    rename(
        job,
        {"name": "a.png"},
        {"folder": "A.png", "name": "inner.jpg"},
        {"folder": "manifest.csv/b", "name": "x.jpg"},
        {"state": "failed", "error_code": "broken_picture", "error_sentence": "It is broken, sadly."},
    )
    with opened(job) as archive:
        assert archive.namelist() == [
            "a (2).png",
            "A.png/inner.png",
            "manifest.csv/b/x.png",
            "manifest (2).csv",
        ]

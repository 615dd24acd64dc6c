"""A ZIP of results, made while it is sent: nothing of it is held, and its length is known beforehand."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from django.utils import timezone
from zipstream import ZIP_STORED, ZipStream

from common import names
from jobs import storage
from jobs.models import Job, Picture

MANIFEST = "manifest.csv"
# What begins a formula or a command in one spreadsheet or another, full-width forms included (OWASP).
FORMULA_STARTS = "=+-@|%＝＋－＠｜％"
CONTROLS = ("\t", "\r", "\n")
# Of a title in the name of an archive, so that the rest has room.
TITLE_BYTES = 180


def results_archive(pictures: Sequence[Picture], folder: str = "") -> ZipStream:
    """The results of pictures (with their `rendition` attached) under the originals' names and folders.

    Where not everything is done, a manifest says of each picture how it stands.
    """
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    add_results(archive, pictures, folder)
    return archive


def archive_name(job: Job) -> str:
    """What a job's archive is called: title, day, and the end of its id, as many jobs share a title."""
    made = timezone.localtime(job.created_at)
    title = names.cut(names.of_title(job.title), TITLE_BYTES).rstrip(". ")
    return f"{title} {made:%Y-%m-%d} {job.pk.hex[-6:]}.zip"


def jobs_archive(jobs: Sequence[tuple[Job, Sequence[Picture]]]) -> ZipStream:
    """The results of several jobs, each in a folder of its title."""
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    folders = names.unique(names.of_title(job.title) for job, _ in jobs)
    for folder, (_, pictures) in zip(folders, jobs, strict=True):
        if pictures:
            add_results(archive, pictures, folder)
    return archive


def add_results(archive: ZipStream, pictures: Sequence[Picture], folder: str = "") -> None:
    """Add the results of a job to an archive, below `folder`."""
    done = [picture for picture in pictures if picture.state == Picture.State.DONE and picture.rendition]
    *unique, manifest = names.unique([*map(_path, done), MANIFEST])
    paths = dict(zip((picture.pk for picture in done), unique, strict=True))
    for picture in done:
        if picture.rendition is not None:
            path = _below(folder, paths[picture.pk])
            archive.add(storage.chunks(picture.rendition.key), path, size=picture.rendition.size)
    if len(done) < len(pictures):
        rows = [(picture, paths.get(picture.pk, "")) for picture in pictures]
        archive.add(_manifest(rows), _below(folder, manifest))


def _path(picture: Picture) -> str:
    extension = picture.rendition.extension if picture.rendition else ""
    return _below(picture.folder, names.portable(names.with_extension(picture.name, extension)))


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _manifest(rows: Sequence[tuple[Picture, str]]) -> bytes:
    text = io.StringIO()
    # Quoted: where a semicolon separates, a cell with one would be two, the second unguarded.
    table = csv.writer(text, quoting=csv.QUOTE_ALL)
    table.writerow(["picture", "state", "file", "code", "sentence"])
    for picture, path in rows:
        original = _below(picture.folder, picture.name)
        cells = [original, picture.state, path, picture.error_code, picture.error_sentence]
        table.writerow([_inert(cell) for cell in cells])
    # With a mark, so that spreadsheets read it as UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: some skip blanks and quotes before they look."""
    start = cell.lstrip().lstrip("'\"").lstrip()[:1]
    return f"'{cell}" if (start and start in FORMULA_STARTS) or cell[:1] in CONTROLS else cell

"""ZIP archives of results, generated while they are sent. Nothing is buffered, and the length is known in
advance.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from django.utils import timezone
from zipstream import ZIP_STORED, ZipStream

from common.spreadsheet import escape_formula
from jobs import names, storage
from jobs.errors import HiddenError
from jobs.models import Job, Picture

MANIFEST = "manifest.csv"
# The maximum length of the title in an archive's file name.
TITLE_BYTES = 180


def results_archive(pictures: Sequence[Picture], folder: str = "") -> ZipStream:
    """The results of pictures (with `rendition` attached), under the originals' names and folders.

    If some pictures are not done or hidden by a moderator, a manifest lists the state of each.
    """
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    add_results(archive, pictures, folder)
    return archive


def archive_name(job: Job) -> str:
    """An archive's file name: title, day, and the end of the job's id, because titles are not unique."""
    made = timezone.localtime(job.created_at)
    title = names.cut(names.of_title(job.title), TITLE_BYTES).rstrip(". ")
    return f"{title} {made:%Y-%m-%d} {job.pk.hex[-6:]}.zip"


def jobs_archive(jobs: Sequence[tuple[Job, Sequence[Picture]]]) -> ZipStream:
    """The results of several jobs, each in a folder named after its title."""
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    folders = names.unique(names.of_title(job.title) for job, _ in jobs)
    for folder, (job, pictures) in zip(folders, jobs, strict=True):
        if pictures:
            add_results(archive, pictures, folder, hidden=job.hidden_at is not None)
    return archive


def add_results(
    archive: ZipStream, pictures: Sequence[Picture], folder: str = "", *, hidden: bool = False
) -> None:
    """Adds the results of a job to an archive, below `folder`. hidden: a moderator hid the whole job."""
    done = [
        picture
        for picture in pictures
        if picture.state == Picture.State.DONE and picture.rendition and not _is_hidden(picture, hidden)
    ]
    *unique, manifest = names.unique([*map(_path, done), MANIFEST])
    paths = dict(zip((picture.pk for picture in done), unique, strict=True))
    for picture in done:
        if picture.rendition is not None:
            path = _below(folder, paths[picture.pk])
            archive.add(storage.chunks(picture.rendition.key), path, size=picture.rendition.size)
    if len(done) < len(pictures):
        rows = [(picture, paths.get(picture.pk, "")) for picture in pictures]
        archive.add(_manifest(rows, hidden), _below(folder, manifest))


def _is_hidden(picture: Picture, with_job: bool) -> bool:
    return with_job or picture.hidden_at is not None


def _path(picture: Picture) -> str:
    extension = picture.rendition.extension if picture.rendition else ""
    return _below(picture.folder, names.portable(names.with_extension(picture.name, extension)))


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _manifest(rows: Sequence[tuple[Picture, str]], hidden: bool) -> bytes:
    text = io.StringIO()
    # Quoted: a semicolon would otherwise split a cell where it is the separator, and the rest would be
    # unescaped.
    table = csv.writer(text, quoting=csv.QUOTE_ALL)
    table.writerow(["picture", "state", "file", "code", "sentence"])
    for picture, path in rows:
        original = _below(picture.folder, picture.name)
        code, sentence = picture.error_code, picture.error_sentence
        if _is_hidden(picture, hidden):
            code, sentence = HiddenError().as_dict().values()
        cells = [original, picture.state, path, code, sentence]
        table.writerow([escape_formula(cell) for cell in cells])
    # With a byte order mark, so that spreadsheets read it as UTF-8.
    return text.getvalue().encode("utf-8-sig")

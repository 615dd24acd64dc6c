"""The ZIP of a part of a data export, generated while it is stored."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Final

from django.conf import settings
from django.utils import timezone
from zipstream import ZIP_DEFLATED, ZIP_STORED, ZipStream

from accounts.models import User
from common.spreadsheet import escape_formula
from jobs import storage
from jobs.models import DataExport
from jobs.selectors import account_files, account_records
from jobs.selectors.account_files import AccountFile

# A part ends with the picture that passes one of these limits.
PART_BYTES: Final = 2 * 2**30
PART_FILES: Final = 20_000

README: Final = """\
{site}: export of account {number}, {made}

This is everything that the site keeps about the account.

records/    One file for each table. Each line is one row, as JSON. accounts.user has the account itself,
            jobs.job the jobs with their recipes, jobs.picture the pictures, jobs.matte the mattes (their
            transparency), jobs.rendition the results, accounts.entry what was charged, audit what happened
            in the account, the newest first.
jobs/       One folder for each job: sources/ (the files that you sent), mattes/ (every revision), results/.
uploads/    Files that you sent and that are not in a job yet.
backdrops/  Pictures that you use as backgrounds.
improvements/  Pictures that you sent to the staff because their result was poor.
files.csv   Every file of this part with its size, its SHA-256 and the row that it belongs to. A file without
            a size was deleted while the export was made.

Files of pictures that a moderator hid are left out. The page "Decisions" of your account says which.

Not included: secrets (the password, API tokens, keys of webhooks and of second factors), of which the site
keeps at most hashes; other people's account numbers; thumbnails and previews, which are smaller copies of
these files; unfinished uploads.

Large exports have several parts. Each part is a ZIP of its own. The records are in part 1.
"""


class Part:
    """One part. `chunks` generates it; afterwards `cursor`, `files` and `is_last` describe it."""

    def __init__(self, export: DataExport, number: int, tick: Callable[[int], None]) -> None:
        """tick: called again and again with the number of files so far; what it raises ends the part."""
        self._export, self._number, self._tick = export, number, tick
        self._table: list[tuple[object, ...]] = []
        self.cursor: list[str] = list(export.cursor)
        self.files = 0
        self.size = 0
        self.is_last = False

    def chunks(self) -> Iterator[bytes]:
        """Yields the bytes of the ZIP."""
        for chunk in self._chunks():
            self.size += len(chunk)
            self._tick(self.files)
            yield chunk

    def _chunks(self) -> Iterator[bytes]:
        archive = ZipStream(compress_type=ZIP_STORED)
        archive.add(self._readme(), "README.txt")
        yield from archive.all_files()
        if self._number == 1:
            user: User = self._export.user
            for name, lines in account_records.tables(user):
                archive.add(lines, f"records/{name}.jsonl", compress_type=ZIP_DEFLATED)
                yield from archive.all_files()
        self.is_last = True
        for unit in account_files.units(self._export.user_id, self.cursor):
            if self.size >= PART_BYTES or self.files >= PART_FILES:
                self.is_last = False
                break
            for file in unit.files:
                yield from self._add(archive, file)
            self.cursor = unit.cursor
        archive.add(self._files_csv(), "files.csv", compress_type=ZIP_DEFLATED)
        yield from archive.finalize()

    def _add(self, archive: ZipStream, file: AccountFile) -> Iterator[bytes]:
        """Yields the bytes of one file, and notes its size and digest."""
        chunks = storage.chunks(file.key)
        try:
            first = next(chunks, b"")
        except FileNotFoundError:
            self._table.append((file.path, "", "", file.kind, file.row))
            return
        digest, size = hashlib.sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            chunk: bytes | None = first
            while chunk:
                digest.update(chunk)
                size += len(chunk)
                yield chunk
                chunk = next(chunks, None)

        archive.add(counted(), file.path)
        yield from archive.all_files()
        self.files += 1
        self._table.append((file.path, size, digest.hexdigest(), file.kind, file.row))

    def _readme(self) -> bytes:
        made = f"{timezone.localtime(self._export.created_at):%Y-%m-%d %H:%M %Z}"
        text = README.format(site=settings.SITE_NAME, number=self._export.user_id, made=made)
        return text.replace("\n", "\r\n").encode()

    def _files_csv(self) -> bytes:
        text = io.StringIO()
        table = csv.writer(text, quoting=csv.QUOTE_ALL)
        table.writerow(["path", "bytes", "sha256", "table", "row"])
        for path, *rest in self._table:
            table.writerow([escape_formula(str(path)), *rest])
        return text.getvalue().encode("utf-8-sig")

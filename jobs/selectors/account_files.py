"""The stored files of an account in a fixed order, with their paths in an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from jobs import names
from jobs.models import Backdrop, Improvement, Job, Matte, Picture, Rendition, Upload

AT_ONCE: Final = 100
TITLE_BYTES: Final = 120
NAME_BYTES: Final = 150


@dataclass(frozen=True)
class AccountFile:
    """A stored file. path: its path in the export. kind, row: the model and the id of its row."""

    key: str
    path: str
    kind: str
    row: UUID


@dataclass(frozen=True)
class Unit:
    """Files that belong together, and the cursor of the place behind them."""

    files: tuple[AccountFile, ...]
    cursor: list[str]


def count(user: int) -> int:
    """Returns the number of files that `units` yields. Files that two pictures share count once."""
    sources = Picture.objects.filter(_visible(), user=user).exclude(source_key="")
    return sources.values("source_key").distinct().count() + sum(
        rows.count()
        for rows in (
            Upload.objects.filter(user=user, state=Upload.State.UPLOADED),
            Matte.objects.filter(_visible("picture__"), picture__user=user),
            Rendition.objects.filter(_visible("picture__"), picture__user=user),
            Backdrop.objects.filter(user=user),
            Improvement.objects.filter(user=user),
        )
    )


def units(user: int, cursor: Sequence[str] = ()) -> Iterator[Unit]:
    """Yields the files of an account behind a cursor: pictures, uploads, backdrops, improvements.

    Thumbnails and previews are left out: they are smaller copies. So is what a moderator hid: nobody may
    open it.
    """
    kinds: dict[str, tuple[QuerySet[Any], Any]] = {
        "pictures": (_pictures(user), _of_picture),
        "uploads": (Upload.objects.filter(user=user, state=Upload.State.UPLOADED), _of_upload),
        "backdrops": (Backdrop.objects.filter(user=user), _of_backdrop),
        "improvements": (Improvement.objects.filter(user=user), _of_improvement),
    }
    order = list(kinds)
    begin, after = (cursor[0], cursor[1]) if cursor else (order[0], "")
    for kind in order[order.index(begin) :]:
        rows, files_of = kinds[kind]
        last: Any = UUID(after) if kind == begin and after else None
        while page := list(_behind(rows, last)):
            for row in page:
                yield Unit(tuple(files_of(row)), [kind, str(row.pk)])
            last = page[-1].pk


def _behind(rows: QuerySet[Any], last: UUID | None) -> QuerySet[Any]:
    return rows.filter(Q() if last is None else Q(pk__gt=last)).order_by("pk")[:AT_ONCE]


def _pictures(user: int) -> QuerySet[Picture]:
    mine = Picture.objects.filter(_visible(), user=user)
    same = mine.filter(source_key=OuterRef("source_key"), pk__lt=OuterRef("pk"))
    rows: QuerySet[Picture] = mine.select_related("job")
    return rows.prefetch_related("mattes", "renditions__matte").annotate(source_seen=Exists(same))


def _visible(prefix: str = "") -> Q:
    """Pictures that no moderator hid, alone or with their job. prefix: the way to the picture."""
    return Q(**{f"{prefix}hidden_at__isnull": True, f"{prefix}job__hidden_at__isnull": True})


def _of_picture(picture: Any) -> Iterator[AccountFile]:
    """A job that was run again shares its sources: each goes with the first picture that has it."""
    folder = f"jobs/{_folder(picture.job)}"
    number = f"{picture.position + 1:05d}"
    name = names.cut(names.portable(picture.name), NAME_BYTES)
    stem = name.rsplit(".", 1)[0]
    if picture.source_key and not picture.source_seen:
        path = f"{folder}/sources/{number} {name}"
        yield AccountFile(picture.source_key, path, "jobs.Picture", picture.pk)
    for matte in picture.mattes.all():
        path = f"{folder}/mattes/{number} {stem} revision {matte.revision}.png"
        yield AccountFile(matte.key, path, "jobs.Matte", matte.pk)
    for rendition in picture.renditions.all():
        version = f"revision {rendition.matte.revision} {rendition.recipe_digest[:8]}"
        path = f"{folder}/results/{number} {stem} {version}.{rendition.extension}"
        yield AccountFile(rendition.key, path, "jobs.Rendition", rendition.pk)


def _folder(job: Job) -> str:
    title = names.cut(names.of_title(job.title), TITLE_BYTES).rstrip(". ")
    return f"{timezone.localtime(job.created_at):%Y-%m-%d} {title} {job.pk.hex[-8:]}"


def _of_upload(upload: Upload) -> Iterator[AccountFile]:
    name = names.cut(names.portable(upload.name), NAME_BYTES)
    yield AccountFile(upload.key, f"uploads/{upload.pk.hex[-12:]} {name}", "jobs.Upload", upload.pk)


def _of_backdrop(backdrop: Backdrop) -> Iterator[AccountFile]:
    path = f"backdrops/{backdrop.digest[:12]}.{backdrop.format}"
    yield AccountFile(backdrop.key, path, "jobs.Backdrop", backdrop.pk)


def _of_improvement(improvement: Improvement) -> Iterator[AccountFile]:
    name = names.cut(names.portable(improvement.name), NAME_BYTES)
    path = f"improvements/{improvement.pk.hex[-12:]} {name}"
    yield AccountFile(improvement.key, path, "jobs.Improvement", improvement.pk)

"""Creates rows and files in any state through the services and the store, without an engine."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from PIL import Image

from accounts.models import User
from common.ids import new_id
from jobs import storage
from jobs.models import Job, Matte, Picture, Rendition, Upload
from jobs.models.job import Lane
from jobs.services import lines, search_index, storage_usage
from segmentation.recipe import Recipe


def encoded(kind: str, size: tuple[int, int] = (8, 6), mode: str = "RGBA") -> bytes:
    """A small picture, encoded by Pillow."""
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


def complete(picture: Picture, data: bytes | None = None) -> Rendition:
    """Finishes a queued picture as a worker would, with files that decode."""
    claim = lines.PICTURES.claim(picture.pk)
    assert claim is not None, "only a queued picture can be completed"
    recipe = Recipe.parse(claim.row.job.recipe)
    data = encoded("PNG") if data is None else data
    thumb_key = storage.thumb_key(picture.pk)
    matte = Matte(
        picture=claim.row,
        revision=1,
        matte_digest=recipe.matte_digest,
        key=storage.matte_key(picture.pk, 1),
        width=8,
        height=6,
        confidence=0.75,
    )
    rendition = Rendition(
        picture=claim.row,
        matte=matte,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
        key=storage.rendition_key(picture.pk, 1, recipe.digest, recipe.extension),
        preview_key=storage.preview_key(picture.pk, 1, recipe.digest),
        media_type=recipe.media_type,
        extension=recipe.extension,
        size=len(data),
        width=8,
        height=6,
    )
    storage.write(thumb_key, encoded("WEBP"))
    storage.write(matte.key, encoded("PNG", mode="L"))
    storage.write(rendition.key, data)
    storage.write(rendition.preview_key, encoded("WEBP"))
    with transaction.atomic():
        matte.save(force_insert=True)
        rendition.save(force_insert=True)
        lines.PICTURES.end(claim, Picture.State.DONE, thumb_key=thumb_key, confidence=0.75)
        storage_usage.grow(picture.user_id, matte, rendition)
    return rendition


def complete_all(job: Job) -> Job:
    """Finishes every queued picture of a job."""
    for picture in Picture.objects.filter(job=job, state=Picture.State.QUEUED).order_by("position"):
        complete(picture)
    job.refresh_from_db()
    return job


def bare_uploads(user: User, count: int) -> list[UUID]:
    """Finished uploads as rows only, without files."""
    made = Upload.objects.bulk_create(
        [
            Upload(
                user=user,
                name=f"picture-{number}.png",
                announced_size=9,
                state=Upload.State.UPLOADED,
                size=9,
                format="png",
                width=3,
                height=2,
            )
            for number in range(count)
        ]
    )
    return [upload.pk for upload in made]


def bare_job(user: User, count: int = 1, *, lane: str = Lane.BATCH, **facts: object) -> Job:
    """A job of queued pictures as rows only; nothing is dispatched."""
    recipe = Recipe(model="u2netp")
    job = Job.objects.create(
        **{
            "user": user,
            "title": "made by a test",
            "lane": lane,
            "recipe": recipe.as_dict(),
            "recipe_digest": recipe.digest,
            "picture_count": count,
            **facts,
        }
    )
    now = timezone.now()
    Picture.objects.bulk_create(
        [
            Picture(
                job=job,
                user=user,
                position=position,
                lane=lane,
                name=f"picture-{position}.png",
                source_key=storage.source_key(new_id()),
                queued_at=now,
            )
            for position in range(count)
        ]
    )
    search_index.note(job, (f"picture-{position}.png" for position in range(count)))
    return job


def pictures_of(job: Job) -> list[Picture]:
    """A job's pictures in order, read from the database."""
    return list(Picture.objects.filter(job=job).order_by("position"))


def states_of(job: Job) -> list[str]:
    """The states of a job's pictures in order."""
    return [picture.state for picture in pictures_of(job)]


def stored_files() -> list[str]:
    """The keys of all files in the store, including partial files."""
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def keys_of(job: Job) -> Sequence[str]:
    """All keys in the rows of a job, sorted."""
    keys = [
        key for row in Picture.objects.filter(job=job).values_list("source_key", "thumb_key") for key in row
    ]
    keys += Matte.objects.filter(picture__job=job).values_list("key", flat=True)
    for row in Rendition.objects.filter(picture__job=job).values_list("key", "preview_key"):
        keys += row
    return sorted(key for key in keys if key)

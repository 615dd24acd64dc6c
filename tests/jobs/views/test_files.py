"""A picture's files and a job's ZIP: correct names, and only for the owner."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.base import ContentFile
from django.test import AsyncClient, Client
from django.utils import timezone
from PIL import Image

from accounts.models import User
from jobs import storage
from jobs.models import Job, Picture, Rendition
from jobs.services import submit, uploads
from segmentation.recipe import Recipe
from tests.conftest import make_picture, make_upload
from tests.jobs.factories import complete, complete_all, encoded, pictures_of
from tests.jobs.views.answers import body_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(user: User, client_of: Any) -> Client:
    signed_in: Client = client_of(user)
    return signed_in


def job_of(user: User, *names: str, **rendition_requests: str) -> Job:
    recipe = Recipe.from_strings({"model": "u2netp", **rendition_requests})
    return submit.submit(user, [make_upload(user, name).pk for name in names], recipe)


def done(user: User, name: str = "cat.jpeg", **rendition_requests: str) -> Picture:
    job = complete_all(job_of(user, name, **rendition_requests))
    return pictures_of(job)[0]


def test_a_result_is_downloaded_under_the_originals_name(client: Client, user: User) -> None:
    picture = done(user, "cat.jpeg")
    response = client.get(f"/pictures/{picture.pk}/result/")
    body = body_of(response)
    assert response["Content-Disposition"] == 'attachment; filename="cat.png"'
    assert response["Content-Type"] == "image/png"
    assert response["Content-Length"] == str(len(body))
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(body)).size == (8, 6)


def test_the_extension_is_that_of_the_result(client: Client, user: User) -> None:
    picture = done(user, "cat.png", format="jpeg")
    response = client.get(f"/pictures/{picture.pk}/result/")
    assert (response["Content-Type"], response["Content-Disposition"]) == (
        "image/jpeg",
        'attachment; filename="cat.jpg"',
    )


def test_a_result_can_be_shown_in_the_page(client: Client, user: User) -> None:
    response = client.get(f"/pictures/{done(user).pk}/result/?inline")
    assert response["Content-Disposition"] == 'inline; filename="cat.png"'


NAMES = {
    "日本の猫.jpg": "attachment; filename*=utf-8''" + quote("日本の猫.png"),
    'a "quoted" cat.jpg': 'attachment; filename="a \\"quoted\\" cat.png"',
    "a\r\nSet-Cookie: x=1.jpg": 'attachment; filename="aSet-Cookie: x=1.png"',
    "semi;colon, comma.jpg": 'attachment; filename="semi;colon, comma.png"',
    "back\\slash.jpg": 'attachment; filename="slash.png"',
    "..": 'attachment; filename="picture.png"',
}


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_makes_a_safe_header(client: Client, user: User, name: str) -> None:
    response = client.get(f"/pictures/{done(user, name).pk}/result/")
    assert response["Content-Disposition"] == NAMES[name]
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("which", ["preview", "thumb"])
def test_thumbnails_are_inline_and_cached_privately(client: Client, user: User, which: str) -> None:
    response = client.get(f"/pictures/{done(user).pk}/{which}/")
    assert Image.open(io.BytesIO(body_of(response))).format == "WEBP"
    assert response["Content-Type"] == "image/webp"
    assert response["Content-Disposition"] == f'inline; filename="{which}.webp"'
    kept = "max-age=60, stale-while-revalidate=86400" if which == "preview" else "max-age=86400"
    assert response["Cache-Control"] == f"private, {kept}"


def test_a_versioned_preview_is_cached_forever(client: Client, user: User) -> None:
    picture = done(user)
    version = Rendition.objects.get(picture=picture).version
    page = client.get(picture.job.get_absolute_url()).content.decode()
    assert f'src="/pictures/{picture.pk}/preview/?v={version}"' in page
    named = client.get(f"/pictures/{picture.pk}/preview/?v={version}")
    assert named["Cache-Control"] == "private, max-age=31536000, immutable"
    older = client.get(f"/pictures/{picture.pk}/preview/?v=000000000000")
    assert older["Cache-Control"] == "private, max-age=60, stale-while-revalidate=86400"


@pytest.mark.parametrize(
    "content", [make_picture(format="PNG"), make_picture(format="JPEG")], ids=["png", "jpeg"]
)
def test_a_source_is_always_a_download_without_a_media_type(
    client: Client, user: User, content: bytes
) -> None:
    upload = uploads.take_in(user, "evil.html", ContentFile(content), len(content))
    job = submit.submit(user, [upload.pk], Recipe(model="u2netp"))
    for query in ("", "?inline"):
        response = client.get(f"/pictures/{pictures_of(job)[0].pk}/source/{query}")
        assert body_of(response) == content
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"] == 'attachment; filename="evil.html"'
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cache-Control"].startswith("private")


def test_a_missing_file_is_a_404(client: Client, user: User) -> None:
    job = submit.submit(
        user, [make_upload(user).pk, make_upload(user, "t.jpg", b"text").pk], Recipe(model="u2netp")
    )
    queued, refused = pictures_of(job)
    for which in ("result", "preview", "thumb"):
        assert client.get(f"/pictures/{queued.pk}/{which}/").status_code == 404
    for which in ("result", "preview", "thumb", "source"):
        assert client.get(f"/pictures/{refused.pk}/{which}/").status_code == 404
    assert client.get(f"/jobs/{job.pk}/results.zip").status_code == 404


def test_a_file_deleted_from_the_store_is_a_404(client: Client, user: User) -> None:
    picture = done(user)
    rendition = Rendition.objects.get()
    storage.delete([rendition.key, rendition.preview_key, picture.thumb_key, picture.source_key])
    for which in ("result", "preview", "thumb", "source"):
        assert client.get(f"/pictures/{picture.pk}/{which}/").status_code == 404


def read_zip(response: Any) -> zipfile.ZipFile:
    body = body_of(response)
    assert response["Content-Length"] == str(len(body)), "announced to the byte"
    archive = zipfile.ZipFile(io.BytesIO(body))
    assert archive.testzip() is None
    return archive


def test_a_zip_holds_every_result_under_its_name(client: Client, user: User) -> None:
    job = job_of(user, "cat.jpg", "dog.png", "waiting.png")
    first, second, _ = pictures_of(job)
    complete(first, encoded("PNG", (8, 6)))
    complete(second, encoded("PNG", (30, 20)))
    response = client.get(f"/jobs/{job.pk}/results.zip")
    assert response["Content-Type"] == "application/zip"
    name = f"cat.jpg and 2 more {timezone.localtime(job.created_at):%Y-%m-%d} {job.pk.hex[-6:]}.zip"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Cache-Control"] == "private, no-store"
    archive = read_zip(response)
    assert archive.namelist() == ["cat.png", "dog.png", "manifest.csv"]
    sizes = [Image.open(io.BytesIO(archive.read(name))).size for name in ("cat.png", "dog.png")]
    assert sizes == [(8, 6), (30, 20)]
    assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_names_in_a_zip_are_unique_portable_and_safe(client: Client, user: User) -> None:
    names = [
        "cat.jpg",
        "CAT.png",
        "cat (2).gif",
        "../../etc/cron.d/x.png",
        "C:\\boot.png",
        "nul.png",
        "猫.png",
    ]
    job = complete_all(job_of(user, *names))
    archive = read_zip(client.get(f"/jobs/{job.pk}/results.zip"))
    assert archive.namelist() == [
        "cat.png",
        "CAT (2).png",
        "cat (2) (2).png",
        "x.png",
        "boot.png",
        "_nul.png",
        "猫.png",
    ]


def test_a_job_without_results_has_no_zip(client: Client, user: User) -> None:
    job = complete_all(job_of(user, "a.png"))
    Rendition.objects.all().delete()
    assert client.get(f"/jobs/{job.pk}/results.zip").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
async def test_a_zip_streams_and_is_never_whole_in_memory(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asgiref.sync import sync_to_async

    size = 2 * 2**20
    job = await sync_to_async(job_of)(user, "a.png", "b.png", "c.png")
    for picture in await sync_to_async(pictures_of)(job):
        await sync_to_async(complete)(picture, bytes(size))
    opened: list[str] = []
    chunks = storage.chunks

    def watched(key: str) -> Any:
        opened.append(key)
        yield from chunks(key)

    monkeypatch.setattr(storage, "chunks", watched)
    client = AsyncClient()
    await client.aforce_login(user, backend="accounts.backends.AuthenticationBackend")
    response = await client.get(f"/jobs/{job.pk}/results.zip")
    assert opened == [], "nothing is read before it is asked for"
    seen, largest = 0, 0
    opened_after_first_megabyte = None
    async for piece in response:
        seen += len(piece)
        largest = max(largest, len(piece))
        if opened_after_first_megabyte is None and seen > 2**20:
            opened_after_first_megabyte = len(opened)
    assert seen == int(response["Content-Length"]) > 3 * size
    assert largest <= 2**20
    assert opened_after_first_megabyte == 1
    assert len(opened) == 3

"""Renditions of a finished matte and corrected mattes, made by a worker without the model."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from PIL import Image

from accounts.models import Storage, User
from jobs.models import Matte, Picture, Rendition, RenditionRequest
from jobs.services import lines, rendition_requests, storage_usage
from jobs.worker import engine, processing, rendering
from tests.conftest import make_job
from tests.jobs.api.program import Program
from tests.jobs.factories import pictures_of, stored_files
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]


@pytest.fixture
def picture(user: User) -> Picture:
    """A finished picture of 64×48 pixels."""
    picture = pictures_of(make_job(user))[0]
    processing.process(picture.pk)
    picture.refresh_from_db()
    assert picture.state == "done"
    return picture


def png(matte: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(matte).save(out, "PNG")
    return out.getvalue()


def half() -> Any:
    """A matte whose left half is foreground."""
    matte = np.zeros((48, 64), np.uint8)
    matte[:, :32] = 255
    return matte


def test_another_recipe_of_the_same_matte(
    program: Program, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.pipeline(settings.MODEL), "_network", None)
    address = f"pictures/{picture.pk}/renditions/"
    asked = program.post(address, {"recipe": {"background": "#ff0000", "format": "jpeg"}})
    assert asked.status_code == 202, asked.json()
    said = asked.json()
    assert asked["Location"] == said["url"]
    assert (said["state"], said["revision"], said["file_url"]) == ("queued", 1, None)
    assert program.get(f"renditions/{said['id']}/file/").status_code == 404
    again = program.post(address, {"recipe": {"background": "#ff0000", "format": "jpeg"}})
    assert (again.status_code, again.json()["id"]) == (202, said["id"])

    rendering.fulfil(RenditionRequest.objects.get().pk)
    assert not RenditionRequest.objects.exists()
    done = program.get(said["url"]).json()
    assert (done["id"], done["state"], done["media_type"]) == (said["id"], "done", "image/jpeg")
    file = body_of(program.get(done["file_url"]))
    with Image.open(io.BytesIO(file)) as made:
        assert (made.format, made.size) == ("JPEG", (64, 48))
        red, green, blue = made.convert("RGB").getpixel((1, 1))
        assert red > 240
        assert max(green, blue) < 15
    there = program.post(address, {"recipe": {"background": "#ff0000", "format": "jpeg"}})
    assert (there.status_code, there.json()["id"]) == (200, said["id"])
    listed = program.get(address).json()["results"]
    assert listed[0]["id"] == said["id"]
    assert len(listed) == 2
    assert program.get(f"pictures/{picture.pk}/").json()["rendition"]["id"] == said["id"]
    assert Storage.objects.get().bytes == storage_usage.of_pictures(Picture.objects.all())[
        picture.user_id
    ] + (picture.source_size or 0)


def test_a_corrected_matte_is_the_next_revision(
    program: Program, picture: Picture, django_capture_on_commit_callbacks: Any
) -> None:
    first = body_of(
        program.get(program.get(f"pictures/{picture.pk}/mattes/").json()["results"][0]["file_url"])
    )
    sent = program.form(f"pictures/{picture.pk}/mattes/", {"file": png(half())})
    assert sent.status_code == 202, sent.json()
    assert (sent.json()["revision"], sent.json()["matte"]) == (2, None)
    with django_capture_on_commit_callbacks(execute=True):
        rendering.fulfil(RenditionRequest.objects.get().pk)
    mattes = program.get(f"pictures/{picture.pk}/mattes/").json()["results"]
    assert [(matte["revision"], matte["origin"]) for matte in mattes] == [(2, "api"), (1, "model")]
    second = body_of(program.get(mattes[0]["file_url"]))
    with Image.open(io.BytesIO(second)) as file:
        assert file.mode == "L"
        assert np.array_equal(np.asarray(file), half())
    assert body_of(program.get(mattes[1]["file_url"])) == first
    result = body_of(program.get(f"pictures/{picture.pk}/result/"))
    with Image.open(io.BytesIO(result)) as cut:
        assert np.array_equal(np.asarray(cut)[..., 3], half())
    assert not [key for key in stored_files() if key.startswith("incoming/")]
    # Renditions use the newest revision unless the request names an earlier one.
    newest = program.post(f"pictures/{picture.pk}/renditions/", {"recipe": {"format": "webp"}}).json()
    assert newest["revision"] == 2
    older = program.post(f"pictures/{picture.pk}/renditions/", {"recipe": {"format": "webp"}, "revision": 1})
    assert older.json()["revision"] == 1
    for rendition_request in RenditionRequest.objects.all():
        rendering.fulfil(rendition_request.pk)
    assert Rendition.objects.count() == 4


def test_the_alpha_of_a_corrected_cut_out_is_its_matte(program: Program, picture: Picture) -> None:
    cut = np.dstack([np.full((48, 64, 3), 200, np.uint8), half()])
    program.form(f"pictures/{picture.pk}/mattes/", {"file": png(cut)})
    rendering.fulfil(RenditionRequest.objects.get().pk)
    file = body_of(program.get(f"mattes/{Matte.objects.get(revision=2).pk}/file/"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), half())


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (png(np.zeros((64, 48), np.uint8)), "wrong_size"),
        (b"no picture", "unsupported_format"),
        (b"", "empty_file"),
    ],
)
def test_invalid_mattes(program: Program, picture: Picture, file: bytes, code: str) -> None:
    refused = program.form(f"pictures/{picture.pk}/mattes/", {"file": file})
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert not RenditionRequest.objects.exists()
    assert not [key for key in stored_files() if key.startswith("incoming/")]


def test_a_truncated_matte_fails_only_its_own_request(
    program: Program, picture: Picture, django_capture_on_commit_callbacks: Any
) -> None:
    whole = png(np.random.default_rng(1).integers(0, 255, (48, 64), np.uint8))
    torn = whole[:300] + bytes(len(whole) - 340) + whole[-40:]
    said = program.form(f"pictures/{picture.pk}/mattes/", {"file": torn})
    assert said.status_code == 202
    with django_capture_on_commit_callbacks(execute=True):
        rendering.fulfil(RenditionRequest.objects.get().pk)
    assert not [key for key in stored_files() if key.startswith("incoming/")]
    failed = program.get(said.json()["url"]).json()
    assert failed["state"] == "failed"
    assert failed["error"]["code"] == "broken_picture"
    assert Matte.objects.count() == 1
    again = program.form(f"pictures/{picture.pk}/mattes/", {"file": png(half())})
    assert again.json()["revision"] == 3


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"recipe": {"refine": "best"}}, "needs_another_matte", "recipe.refine"),
        ({"recipe": {"format": "gif"}}, "invalid_format", "recipe.format"),
        ({"preset": "none"}, "unknown_preset", "preset"),
        ({"revision": 0}, "min_value", "revision"),
        ({"revision": "1"}, "invalid", "revision"),
        ({"revision": 10**40}, "max_value", "revision"),
    ],
)
def test_invalid_renditions(program: Program, picture: Picture, body: Any, code: str, field: str) -> None:
    refused = program.post(f"pictures/{picture.pk}/renditions/", body)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, code, field)
    assert program.post(f"pictures/{picture.pk}/renditions/", {"revision": 7}).status_code == 404


def test_a_picture_that_is_not_done_has_nothing_to_render(program: Program, user: User) -> None:
    picture = pictures_of(make_job(user))[0]
    for answer in (
        program.post(f"pictures/{picture.pk}/renditions/"),
        program.form(f"pictures/{picture.pk}/mattes/", {"file": png(half())}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "no_matte")


def test_a_built_in_preset(program: Program, picture: Picture) -> None:
    said = program.post(f"pictures/{picture.pk}/renditions/", {"preset": "sticker"}).json()
    assert (said["recipe"]["format"], said["recipe"]["model"]) == ("webp", "u2netp")


def test_lost_messages_are_resent_and_repeated_failures_end(
    program: Program, picture: Picture, queued: Any, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MAX_ATTEMPTS = 2
    with django_capture_on_commit_callbacks(execute=True):
        said = program.post(f"pictures/{picture.pk}/renditions/", {"recipe": {"format": "webp"}}).json()
    assert queued("interactive")[-1] == said["id"]
    settings.REDISPATCH_SECONDS = -1
    assert lines.RENDITIONS.recover_lost() == 0, "the broker holds it"
    rendition_request = RenditionRequest.objects.get()
    for attempt in (1, 2):
        lines.RENDITIONS.claim(rendition_request.pk)
        RenditionRequest.objects.update(lease_until="2026-01-01T00:00Z")
        assert lines.RENDITIONS.recover_lost() == 1, attempt
    rendition_request.refresh_from_db()
    assert (rendition_request.state, rendition_request.error_code) == ("failed", "worker_lost")
    with django_capture_on_commit_callbacks(execute=True):
        again = program.post(f"pictures/{picture.pk}/renditions/", {"recipe": {"format": "webp"}}).json()
    assert (again["id"], again["state"]) == (said["id"], "queued")


def test_a_matte_whose_worker_always_dies_is_deleted(
    program: Program, picture: Picture, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MAX_ATTEMPTS = 1
    program.form(f"pictures/{picture.pk}/mattes/", {"file": png(half())})
    rendition_request = RenditionRequest.objects.get()
    lines.RENDITIONS.claim(rendition_request.pk)
    RenditionRequest.objects.update(lease_until="2026-01-01T00:00Z")
    with django_capture_on_commit_callbacks(execute=True):
        assert lines.RENDITIONS.recover_lost() == 1
    assert RenditionRequest.objects.get().state == "failed"
    assert not [key for key in stored_files() if key.startswith("incoming/")]


def test_a_full_account_gets_no_more_renditions_and_no_new_run(
    program: Program, picture: Picture, user: User
) -> None:
    address, body = f"pictures/{picture.pk}/renditions/", {"recipe": {"format": "webp"}}
    user.storage_bytes = Storage.objects.get().bytes
    user.save()
    for refused in (program.post(address, body), program.post(f"jobs/{picture.job_id}/again/", body)):
        assert (refused.status_code, refused.json()["code"]) == (429, "storage_full")
    assert not RenditionRequest.objects.exists()
    there = program.post(address, {"recipe": {"model": "u2netp"}})
    assert there.status_code == 200, "what is there takes no room"


def test_a_picture_deleted_during_the_request_is_a_404(
    program: Program, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = rendition_requests._hold

    def deleted_meanwhile(held: Picture) -> None:
        Picture.objects.all().delete()
        hold(held)

    monkeypatch.setattr(rendition_requests, "_hold", deleted_meanwhile)
    for refused in (
        program.post(f"pictures/{picture.pk}/renditions/", {"recipe": {"format": "webp"}}),
        program.form(f"pictures/{picture.pk}/mattes/", {"file": png(half())}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert not [key for key in stored_files() if key.startswith("incoming/")]


def test_a_picture_deleted_while_it_renders_leaves_no_file(
    program: Program,
    picture: Picture,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    program.form(f"pictures/{picture.pk}/mattes/", {"file": png(half())})
    write = rendering.storage.write

    def deleted_meanwhile(key: str, content: bytes) -> None:
        write(key, content)
        if key.startswith("previews/"):
            assert program.ask("delete", f"pictures/{picture.pk}/").status_code == 204

    monkeypatch.setattr(rendering.storage, "write", deleted_meanwhile)
    with django_capture_on_commit_callbacks(execute=True):
        rendering.fulfil(RenditionRequest.objects.get().pk)
    assert stored_files() == []
    assert not Rendition.objects.exists()

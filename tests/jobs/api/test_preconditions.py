"""If-Match on requests that change something: 412 if it does not hold, and nothing changes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from accounts.models import ApiToken, User
from jobs.models import Feedback, Job, Picture, Preset, RenditionRequest, Tag, Upload, WebhookEndpoint
from jobs.services import feedback
from tests.conftest import make_job, make_upload
from tests.jobs.api.program import Program
from tests.jobs.at_once import at_once
from tests.jobs.factories import complete

pytestmark = pytest.mark.django_db

OTHERS = ['"other"', 'W/"other"', '"a", "b"']


def tag(program: Program, address: str) -> str:
    answer = program.get(address)
    assert answer.status_code == 200, answer.content
    etag: str = answer.headers["ETag"]
    return etag


def refused(answer: Any) -> None:
    said = answer.json()
    assert (answer.status_code, said["code"], said["field"]) == (412, "precondition_failed", "If-Match")


class TestJob:
    """PATCH and DELETE of a job."""

    def test_a_change(self, program: Program, user: User) -> None:
        job = make_job(user)
        address = f"jobs/{job.pk}/"
        seen = tag(program, address)
        for other in OTHERS:
            refused(program.ask("patch", address, {"pinned": True, "tags": ["a"]}, If_Match=other))
        job.refresh_from_db()
        assert (job.pinned, Tag.objects.count()) == (False, 0)
        changed = program.ask("patch", address, {"pinned": True}, If_Match=f'"x", {seen}')
        assert (changed.status_code, changed.json()["pinned"]) == (200, True)
        refused(program.ask("patch", address, {"pinned": False}, If_Match=seen))
        job.refresh_from_db()
        assert job.pinned
        assert tag(program, address) != seen
        assert program.ask("patch", address, {"pinned": False}, If_Match="*").status_code == 200

    def test_a_deletion(self, program: Program, user: User) -> None:
        job = make_job(user)
        address = f"jobs/{job.pk}/"
        seen = tag(program, address)
        program.ask("patch", address, {"tags": ["autumn"]})
        refused(program.ask("delete", address, If_Match=seen))
        assert Job.objects.filter(pk=job.pk).exists()
        assert program.ask("delete", address, If_Match=tag(program, address)).status_code == 204
        assert not Job.objects.filter(pk=job.pk).exists()
        assert program.ask("delete", address, If_Match=seen).status_code == 404

    def test_cancelling(self, program: Program, user: User) -> None:
        job = make_job(user)
        seen = tag(program, f"jobs/{job.pk}/")
        refused(program.post(f"jobs/{job.pk}/cancel/", If_Match='"other"'))
        job.refresh_from_db()
        assert job.state == Job.State.ACTIVE
        assert program.post(f"jobs/{job.pk}/cancel/", If_Match=seen).status_code == 200

    def test_other_errors_change_nothing(self, program: Program, user: User) -> None:
        job = make_job(user)
        answer = program.ask("patch", f"jobs/{job.pk}/", {"tags": ["a", ""]}, If_Match="*")
        assert (answer.status_code, Tag.objects.count()) == (422, 0)

    def test_another_users_job(self, program: Program, stranger: User) -> None:
        job = make_job(stranger)
        for method in ("patch", "delete"):
            assert program.ask(method, f"jobs/{job.pk}/", {}, If_Match="*").status_code == 404


class TestOthers:
    """All other objects that can be changed or deleted."""

    def test_a_picture(self, program: Program, user: User) -> None:
        picture = make_job(user).pictures.get()
        address = f"pictures/{picture.pk}/"
        refused(program.ask("delete", address, If_Match='"other"'))
        assert Picture.objects.exists()
        assert program.ask("delete", address, If_Match=tag(program, address)).status_code == 204
        assert not Picture.objects.exists()

    def test_an_upload(self, program: Program, user: User) -> None:
        upload = make_upload(user)
        address = f"uploads/{upload.pk}/"
        refused(program.ask("delete", address, If_Match='"other"'))
        assert Upload.objects.exists()
        assert program.ask("delete", address, If_Match=tag(program, address)).status_code == 204

    def test_a_preset(self, program: Program) -> None:
        first, second = {"recipe": {"format": "webp"}}, {"recipe": {"format": "jpeg"}}
        refused(program.ask("put", "presets/mine/", first, If_Match="*"))
        assert not Preset.objects.exists()
        assert program.ask("put", "presets/mine/", first, If_None_Match="*").status_code == 201
        answer = program.ask("put", "presets/mine/", second, If_None_Match="*")
        assert (answer.status_code, answer.json()["field"]) == (412, "If-None-Match")
        seen = tag(program, "presets/mine/")
        assert program.ask("put", "presets/mine/", second, If_Match=seen).status_code == 200
        refused(program.ask("put", "presets/mine/", first, If_Match=seen))
        refused(program.ask("delete", "presets/mine/", If_Match=seen))
        assert Preset.objects.get().recipe["format"] == "jpeg"
        assert (
            program.ask("delete", "presets/mine/", If_Match=tag(program, "presets/mine/")).status_code == 204
        )

    def test_feedback(self, program: Program, user: User) -> None:
        picture = make_job(user).pictures.get()
        complete(picture)
        address = f"pictures/{picture.pk}/feedback/"
        refused(program.ask("put", address, {"verdict": "down"}, If_Match="*"))
        assert not Feedback.objects.exists()
        assert program.ask("delete", address, If_Match="*").status_code == 404
        feedback.give(picture, "up")
        seen = tag(program, address)
        refused(program.ask("put", address, {"verdict": "down"}, If_Match='"other"'))
        refused(program.ask("delete", address, If_Match='"other"'))
        assert Feedback.objects.get().verdict == "up"
        assert program.ask("put", address, {"verdict": "down"}, If_Match=seen).status_code == 200

    def test_a_webhook(self, program: Program) -> None:
        made = program.post("webhooks/", {"url": "https://example.org/", "events": ["job.finished"]})
        address = made.json()["url"] if "api/v1" in made.json()["url"] else made.headers["Location"]
        seen = tag(program, address)
        refused(program.ask("patch", address, {"enabled": False}, If_Match='"other"'))
        refused(program.ask("delete", address, If_Match='"other"'))
        assert WebhookEndpoint.objects.get().enabled
        assert program.ask("patch", address, {"enabled": False}, If_Match=seen).status_code == 200
        refused(program.ask("patch", address, {"enabled": True}, If_Match=seen))
        assert not WebhookEndpoint.objects.get().enabled

    def test_a_token(self, program: Program) -> None:
        made = program.post("tokens/", {"name": "other", "scopes": ["read"]})
        address = made.headers["Location"]
        refused(program.ask("delete", address, If_Match='"other"'))
        assert ApiToken.objects.get(pk=made.json()["id"]).revoked_at is None
        assert program.ask("delete", address, If_Match=tag(program, address)).status_code == 204

    def test_urls_without_an_etag(self, program: Program, user: User) -> None:
        upload = make_upload(user)
        refused(program.post(f"uploads/{upload.pk}/finish/", If_Match="*"))

    def test_an_unknown_url(self, program: Program) -> None:
        for method in ("put", "patch", "delete", "post"):
            assert program.ask(method, "nowhere/", {}, If_Match='"other"').status_code == 404


def matte(size: tuple[int, int] = (64, 48), grey: int = 200) -> bytes:
    out = io.BytesIO()
    Image.new("L", size, grey).save(out, "PNG")
    return out.getvalue()


class TestMatte:
    """A corrected matte."""

    @pytest.fixture
    def picture(self, user: User) -> Picture:
        picture = make_job(user).pictures.get()
        complete(picture)
        return picture

    def test_a_correction(self, program: Program, picture: Picture) -> None:
        address = f"pictures/{picture.pk}/mattes/"
        for other in OTHERS:
            refused(program.form(address, {"file": matte()}, If_Match=other))
        assert not RenditionRequest.objects.exists()
        seen = tag(program, address)
        answer = program.form(address, {"file": matte()}, If_Match=seen, Idempotency_Key="k")
        assert (answer.status_code, RenditionRequest.objects.count()) == (202, 1)
        # The correction is in progress, although the list does not show it yet.
        refused(program.form(address, {"file": matte(grey=3)}, If_Match=seen))
        assert RenditionRequest.objects.count() == 1
        again = program.form(address, {"file": matte()}, If_Match=seen, Idempotency_Key="k")
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")

    def test_by_the_etag_of_the_picture_or_of_the_newest_file(
        self, program: Program, picture: Picture
    ) -> None:
        address = f"pictures/{picture.pk}/mattes/"
        newest = program.get(address).json()["results"][0]["file_url"]
        for seen in (tag(program, f"pictures/{picture.pk}/"), tag(program, newest)):
            assert program.form(address, {"file": matte()}, If_Match=seen).status_code == 202
            RenditionRequest.objects.all().delete()

    def test_a_picture_without_one(self, program: Program, user: User) -> None:
        picture = make_job(user).pictures.get()
        answer = program.form(f"pictures/{picture.pk}/mattes/", {"file": matte()}, If_Match="*")
        assert answer.status_code == 409


@pytest.mark.django_db(transaction=True)
def test_of_two_concurrent_requests_one_succeeds(program: Program, user: User) -> None:
    job = make_job(user)
    address = f"jobs/{job.pk}/"
    seen = tag(program, address)
    others = [Program.of(program.secret) for _ in range(2)]

    def change(number: int) -> int:
        tags = {"tags": [f"tag {number}"]}
        status: int = others[number].ask("patch", address, tags, If_Match=seen).status_code
        return status

    statuses = at_once(change, 2)
    assert sorted(statuses, key=str) == [200, 412]
    assert Tag.objects.count() == 1

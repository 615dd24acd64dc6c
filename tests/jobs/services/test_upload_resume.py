"""Open uploads: their number is limited, the same file resumes one, and discarding deletes their bytes."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from accounts.models import User
from jobs import storage
from jobs.errors import TooManyError
from jobs.models import Upload
from jobs.services import open_uploads, submit, upload_resume, uploads
from segmentation.recipe import Recipe
from tests.conftest import make_picture, make_upload
from tests.jobs.factories import bare_uploads, stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

CONTENT = make_picture(64, 48)


def announced(user: User, name: str = "shoes/red.png") -> Upload:
    return uploads.start(user, name, len(CONTENT))


def resumed(user: User, upload: Upload, name: str = "shoes/red.png", size: int = len(CONTENT)) -> str | None:
    found = upload_resume.resume(user, upload.pk, name, size)
    assert found is None or found.pk == upload.pk
    return found.state if found else None


def test_an_upload_without_bytes_stays_started(user: User) -> None:
    assert resumed(user, announced(user)) == "started"
    assert Upload.objects.count() == 1


def test_a_complete_unfinished_upload_is_finished(user: User) -> None:
    upload = announced(user)
    uploads.receive(upload, ContentFile(CONTENT), len(CONTENT))
    assert resumed(user, upload) == "uploaded"
    assert stored_files() == [f"sources/{upload.pk}"]


def test_a_partial_upload_stays_started(user: User) -> None:
    upload = announced(user)
    storage.write(storage.incoming_key(upload.pk), CONTENT[:100])
    assert resumed(user, upload) == "started"


def test_a_complete_upload_that_is_no_picture_is_refused(user: User) -> None:
    upload = uploads.start(user, "a.jpg", 5)
    uploads.receive(upload, ContentFile(b"hello"), 5)
    assert resumed(user, upload, "a.jpg", 5) == "refused"
    assert resumed(user, upload, "a.jpg", 5) is None, "a refused upload is not resumed"


def test_a_finished_upload_is_returned_unchanged(user: User) -> None:
    upload = announced(user)
    uploads.receive(upload, ContentFile(CONTENT), len(CONTENT))
    uploads.finish(upload)
    assert resumed(user, upload) == "uploaded"


def test_other_files_other_users_and_submitted_uploads_are_not_resumed(user: User, stranger: User) -> None:
    upload = announced(user)
    assert resumed(user, upload, "shoes/blue.png") is None
    assert resumed(user, upload, "red.png") is None
    assert resumed(user, upload, size=len(CONTENT) + 1) is None
    assert resumed(stranger, upload) is None
    assert upload_resume.resume(user, uuid4(), "shoes/red.png", len(CONTENT)) is None
    submitted = make_upload(user, "cat.png", CONTENT)
    submit.submit(user, [submitted.pk], Recipe(model="u2netp"))
    assert resumed(user, submitted, "cat.png") is None


def test_discarding_deletes_only_the_users_open_uploads_with_their_bytes(user: User, stranger: User) -> None:
    in_job = make_upload(user, "kept.png")
    submit.submit(user, [in_job.pk], Recipe(model="u2netp"))
    others = make_upload(stranger, "others.png")
    arrived = announced(user)
    uploads.receive(arrived, ContentFile(CONTENT), len(CONTENT))
    make_upload(user, "ready.png")
    make_upload(user, "refused.png", b"no picture")

    assert upload_resume.discard(user) == 3
    assert {upload.pk for upload in Upload.objects.all()} == {in_job.pk, others.pk}
    assert stored_files() == sorted([in_job.key, others.key])
    assert upload_resume.discard(user) == 0


def test_only_the_chosen_uploads_are_discarded(user: User, stranger: User) -> None:
    first, second, others = make_upload(user), make_upload(user), make_upload(stranger)
    assert upload_resume.discard(user, [first.pk, others.pk]) == 1
    assert set(Upload.objects.values_list("pk", flat=True)) == {second.pk, others.pk}


def test_ready_uploads_are_oldest_first_and_at_most_a_job(
    user: User, stranger: User, settings: Settings
) -> None:
    announced(user)
    make_upload(user, "refused.png", b"no picture")
    ids = bare_uploads(user, 4)
    bare_uploads(stranger, 1)
    settings.MAX_JOB_PICTURES = 3
    assert open_uploads.ready(user) == ids[:3]


def test_the_number_of_open_uploads_is_limited(user: User, stranger: User, settings: Settings) -> None:
    settings.MAX_OPEN_UPLOADS = 3
    announced(user)
    make_upload(user, "refused.png", b"no picture")
    upload = make_upload(user)
    with pytest.raises(TooManyError) as refusal:
        announced(user)
    assert (refusal.value.code, refusal.value.status) == ("too_many_uploads", 429)
    assert refusal.value.sentence.startswith("3 of your files are in no job yet.")
    assert Upload.objects.count() == 3
    announced(stranger)
    submit.submit(user, [upload.pk], Recipe(model="u2netp"))
    announced(user)

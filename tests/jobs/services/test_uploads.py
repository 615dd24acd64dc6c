"""Uploads: announced, received, then checked by their bytes; refused with a sentence."""

from __future__ import annotations

import io

import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from accounts.errors import QuotaExceededError
from accounts.models import User
from jobs import storage
from jobs.errors import UploadRefusedError, WrongStateError
from jobs.models import Upload
from jobs.services import uploads
from tests.conftest import make_picture
from tests.jobs.factories import stored_files

pytestmark = pytest.mark.django_db


def receive(upload: Upload, content: bytes) -> None:
    uploads.receive(upload, ContentFile(content), len(content))


def sent(user: User, content: bytes, name: str = "disc.png") -> Upload:
    upload = uploads.start(user, name, len(content))
    receive(upload, content)
    return upload


def test_a_picture_is_announced_sent_and_checked(user: User) -> None:
    content = make_picture(64, 48)
    upload = uploads.start(user, "folder/disc.png", len(content))
    assert (upload.state, upload.name, upload.announced_size) == ("started", "disc.png", len(content))
    assert stored_files() == []

    receive(upload, content)
    assert Upload.objects.get().state == "started"
    assert stored_files() == [f"incoming/{upload.pk}"], "it is not checked yet"

    finished = uploads.finish(upload)
    assert stored_files() == [upload.key] == [f"sources/{upload.pk}"]
    assert (finished.state, finished.size, finished.format) == ("uploaded", len(content), "png")
    assert (finished.width, finished.height, finished.error_code, finished.error_sentence) == (64, 48, "", "")
    assert b"".join(storage.chunks(upload.key)) == content


@pytest.mark.parametrize(("format", "said"), [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp")])
def test_the_format_comes_from_the_bytes_and_not_the_name(user: User, format: str, said: str) -> None:
    assert uploads.finish(sent(user, make_picture(format=format), "notes.txt")).format == said


@pytest.mark.parametrize("size", [0, -1])
def test_an_empty_file_is_not_announced(user: User, size: int) -> None:
    with pytest.raises(UploadRefusedError) as refusal:
        uploads.start(user, "a.png", size)
    assert (refusal.value.code, refusal.value.status) == ("empty_file", 422)
    assert not Upload.objects.exists()


def test_a_file_over_the_limit_is_not_announced(user: User, settings: Settings) -> None:
    settings.MAX_PICTURE_BYTES = 2**20
    assert uploads.start(user, "a.png", 2**20).announced_size == 2**20
    with pytest.raises(UploadRefusedError) as refusal:
        uploads.start(user, "a.png", 2**20 + 1)
    assert refusal.value.code == "too_many_bytes"
    assert refusal.value.sentence.startswith("This file is larger than 1 MB.")
    assert Upload.objects.count() == 1


def test_more_bytes_than_announced_are_not_received(user: User, settings: Settings) -> None:
    upload = uploads.start(user, "a.png", 1025)
    with pytest.raises(UploadRefusedError) as refusal:
        receive(upload, b"x" * 1026)
    assert refusal.value.code == "too_many_bytes"
    assert refusal.value.sentence == "This file is larger than the 1025 bytes announced. Send it again."
    settings.MAX_PICTURE_BYTES = 1024
    with pytest.raises(UploadRefusedError):
        receive(upload, b"x" * 1025)
    assert stored_files() == []
    assert Upload.objects.get().state == "started"


def test_more_bytes_than_announced_in_the_store_are_refused_at_finish(user: User) -> None:
    upload = uploads.start(user, "a.png", len(make_picture()) - 1)
    storage.write(storage.incoming_key(upload.pk), make_picture())
    assert uploads.finish(upload).error_code == "too_many_bytes"
    assert stored_files() == []


def test_announced_bytes_count_until_the_upload_is_finished(user: User) -> None:
    user.storage_bytes = 100
    user.save()
    uploads.start(user, "a.png", 60)
    with pytest.raises(QuotaExceededError) as refusal:
        uploads.start(user, "b.png", 41)
    assert refusal.value.code == "storage_full"
    uploads.start(user, "b.png", 40)
    Upload.objects.update(state="submitted")
    uploads.start(user, "c.png", 100)


REFUSALS = {
    "text named .jpg": (b"Dear all, please find enclosed", "unsupported_format"),
    "a web page": (b"<!doctype html><script>alert(1)</script>", "unsupported_format"),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format"),
    "half a header": (make_picture()[:20], "truncated_picture"),
    "no more than a mark": (b"\xff\xd8\xff\xe0", "truncated_picture"),
    "nothing": (b"", "empty_file"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_file_that_is_no_picture_is_refused_and_deleted(user: User, what: str) -> None:
    content, code = REFUSALS[what]
    upload = uploads.start(user, "holiday.jpg", 100)
    receive(upload, content)
    refused = uploads.finish(upload)
    assert (refused.state, refused.error_code, refused.name) == ("refused", code, "holiday.jpg")
    assert refused.error_sentence.endswith(".")
    assert (refused.size, refused.width, refused.height, refused.format) == (None, None, None, "")
    assert stored_files() == []


def test_a_picture_over_the_pixel_limit_is_refused(user: User, settings: Settings) -> None:
    settings.MAX_PICTURE_PIXELS = 64 * 48
    assert uploads.finish(sent(user, make_picture(64, 48))).state == "uploaded"
    refused = uploads.finish(sent(user, make_picture(64, 49)))
    assert (refused.state, refused.error_code) == ("refused", "too_many_pixels")
    assert "64 × 49" in refused.error_sentence


def test_a_file_that_grew_over_the_limit_in_the_store_is_refused(user: User, settings: Settings) -> None:
    """As with an S3 store, where clients write directly to the store."""
    upload = sent(user, make_picture())
    settings.MAX_PICTURE_BYTES = storage.size(storage.incoming_key(upload.pk)) - 1
    assert uploads.finish(upload).error_code == "too_many_bytes"
    assert stored_files() == []


def test_finishing_without_bytes_is_refused(user: User) -> None:
    refused = uploads.finish(uploads.start(user, "a.png", 10))
    assert (refused.state, refused.error_code) == ("refused", "nothing_arrived")


def test_finishing_twice_gives_the_first_answer(user: User) -> None:
    upload = sent(user, make_picture(10, 20))
    first = uploads.finish(upload)
    storage.write(upload.key, b"other bytes, put there behind our back")
    again = uploads.finish(Upload.objects.get())
    assert (again.state, again.width, again.height) == (first.state, 10, 20) == ("uploaded", 10, 20)

    refused = uploads.finish(sent(user, b"no picture"))
    assert uploads.finish(refused).error_sentence == refused.error_sentence


def test_concurrent_finishes_give_the_same_result(user: User) -> None:
    """The second call read the row before the first one closed it."""
    upload = sent(user, make_picture())
    behind = Upload.objects.get()
    uploads.finish(upload)
    storage.delete([upload.key])
    late = uploads.finish(behind)
    assert (late.state, late.error_code) == ("uploaded", "")


def test_bytes_sent_again_before_the_finish_replace_the_first(user: User) -> None:
    content = make_picture(5, 7)
    upload = uploads.start(user, "disc.png", len(content))
    receive(upload, content[:9])
    receive(upload, content)
    assert (uploads.finish(upload).width, upload.height) == (5, 7)


@pytest.mark.parametrize("content", [make_picture(), b"no picture"])
def test_nothing_is_received_after_the_finish(user: User, content: bytes) -> None:
    upload = uploads.finish(sent(user, content))
    before = stored_files()
    with pytest.raises(WrongStateError) as refusal:
        receive(upload, b"later bytes")
    assert (refusal.value.code, refusal.value.status) == ("upload_closed", 409)
    assert stored_files() == before
    if before:
        assert b"".join(storage.chunks(upload.key)) == content


class Meddling(io.BytesIO):
    """A file object that calls a function when its end is read."""

    def __init__(self, content: bytes, meddle: object) -> None:
        super().__init__(content)
        self.meddle = meddle

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if not piece:
            self.meddle()  # type: ignore[operator]
        return piece


def test_bytes_that_arrive_while_the_upload_is_refused_are_deleted(user: User) -> None:
    upload = uploads.start(user, "a.png", 10)
    late = Meddling(b"late bytes", lambda: uploads.finish(Upload.objects.get()))
    with pytest.raises(WrongStateError):
        uploads.receive(upload, late, 10)
    assert Upload.objects.get().error_code == "nothing_arrived"
    assert stored_files() == []


def test_bytes_that_arrive_while_the_upload_is_swept_are_deleted(user: User) -> None:
    upload = uploads.start(user, "a.png", 10)
    late = Meddling(b"late bytes", lambda: Upload.objects.all().delete())
    with pytest.raises(WrongStateError):
        uploads.receive(upload, late, 10)
    assert stored_files() == []


def test_take_in_starts_receives_and_finishes(user: User) -> None:
    content = make_picture(9, 8)
    upload = uploads.take_in(user, "a/b.png", ContentFile(content), len(content))
    assert (upload.state, upload.name, upload.width, upload.height) == ("uploaded", "b.png", 9, 8)
    assert stored_files() == [upload.key]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_file"), (b"text", "unsupported_format"), (b"x" * 2000, "too_many_bytes")],
)
def test_take_in_never_raises_for_a_bad_file(
    user: User, settings: Settings, content: bytes, code: str
) -> None:
    settings.MAX_PICTURE_BYTES = 1999
    upload = uploads.take_in(user, "a.jpg", ContentFile(content), len(content))
    assert (upload.state, upload.error_code) == ("refused", code)
    assert Upload.objects.get().state == "refused"
    assert stored_files() == []


def test_a_failing_store_leaves_the_upload_open(user: User) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the connection broke")

    content = make_picture()
    upload = uploads.start(user, "a.png", len(content))
    with pytest.raises(OSError, match="the connection broke"):
        uploads.receive(upload, Breaking(), 10)
    assert stored_files() == []
    receive(upload, content)
    assert uploads.finish(upload).state == "uploaded"

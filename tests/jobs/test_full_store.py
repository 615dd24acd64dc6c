"""A full or read-only file store, seen from outside: pictures wait, uploads are refused, /readyz says so."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from jobs import storage
from jobs.models import Backdrop, Improvement, Job, Picture, Upload
from jobs.queue import circuit, store_health, workers
from jobs.services import backdrops, discards, improvements, lines, removal, synchronous, uploads
from jobs.services.synchronous import Source
from jobs.worker import engine, processing
from segmentation import pictures, weights
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import stored_files
from tests.jobs.filesystems import file_system

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
pulled = pytest.mark.skipif(
    weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"
)
NUMBERS = [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES]


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other test's store is remembered, and every /readyz asks anew."""
    monkeypatch.setattr(circuit, "_store_was_away", False)
    monkeypatch.setattr(store_health, "FRESH_SECONDS", 0.0)


@contextmanager
def broken_store(number: int) -> Iterator[None]:
    """A block in which nothing can be written."""
    with patch("os.fsync", side_effect=OSError(number, os.strerror(number))):
        yield


def only(job: Job) -> Picture:
    return Picture.objects.get(job=job)


# -- Work in hand ----------------------------------------------------------------------------------


@pytest.mark.real
@pulled
@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_a_picture_waits_and_loses_no_attempt(user: User, number: int) -> None:
    job = make_job(user)
    with broken_store(number):
        for _ in range(4):
            processing.process(only(job).pk)
            row = only(job)
            assert (row.state, row.attempts, row.error_code) == ("queued", 0, "")
            assert row.not_before is not None
        assert circuit.is_open()
        assert lines.PICTURES.top_up(user.pk) == 0

    processing.process(only(job).pk)

    assert (only(job).state, only(job).attempts) == ("done", 1)


@pytest.mark.real
@pulled
def test_while_it_is_away_no_second_picture_is_computed_in_vain(user: User) -> None:
    job = make_job(user, 2)
    first, second = Picture.objects.filter(job=job)
    with broken_store(errno.EROFS):
        processing.process(first.pk)
        with patch.object(engine, "pipeline", side_effect=AssertionError("computed in vain")):
            processing.process(second.pk)
        second.refresh_from_db()
        assert (second.state, second.attempts) == ("queued", 0)

    with patch.object(storage, "probe", wraps=storage.probe) as probe:
        processing.process(first.pk)
        processing.process(second.pk)
    assert probe.call_count == 1, "once it is back nobody asks any more"
    assert set(Picture.objects.values_list("state", "attempts")) == {("done", 1)}


@pytest.mark.real
@pulled
def test_one_file_that_cannot_be_read_stops_nobody(user: User) -> None:
    """It fails after its attempts, and the store is not taken for away."""
    job, other = make_job(user), make_job(user)
    location = storage._store()._storage.path  # type: ignore[attr-defined]
    source = location(only(job).source_key)
    os.unlink(source)
    os.symlink("/proc/self/mem", source)
    for _ in range(3):
        processing.process(only(job).pk)
        assert not circuit.is_open()
    assert (only(job).state, only(job).attempts, only(job).error_code) == ("failed", 3, "internal_error")
    processing.process(only(other).pk)
    assert only(other).state == "done"


@pytest.mark.real
@pulled
def test_work_in_hand_ends_in_the_room_that_is_kept_free(user: User, settings: Settings) -> None:
    job = make_job(user)
    settings.STORE_MIN_FREE_BYTES = 10_000
    with file_system(free=9_999):
        with pytest.raises(storage.StoreFullError):
            make_upload(user)
        processing.process(only(job).pk)
    assert only(job).state == "done"


def test_what_is_deleted_meanwhile_goes_once_the_store_is_back(user: User) -> None:
    job = make_job(user)
    with patch("os.remove", side_effect=OSError(errno.EROFS, "Read-only file system")):
        removal.delete_jobs([job.pk])
    assert len(stored_files()) == 1
    assert discards.sweep_discards() >= 1
    assert stored_files() == []


# -- What comes in ---------------------------------------------------------------------------------


@contextmanager
def full_store(settings: Settings) -> Iterator[None]:
    settings.STORE_MIN_FREE_BYTES = 10_000
    with file_system(free=9_999):
        yield


def test_nothing_comes_in_at_any_door(user: User, settings: Settings) -> None:
    content = make_picture()
    source = Source(content, "a.png", pictures.inspect(content, uploads.limits()))
    announced = uploads.start(user, "a.png", len(content))
    doors: list[Callable[[], object]] = [
        lambda: uploads.start(user, "b.png", 1),
        lambda: uploads.receive(announced, ContentFile(content), len(content)),
        lambda: uploads.take_in(user, "c.png", ContentFile(content), len(content)),
        lambda: backdrops.take_in(user, content),
        lambda: improvements.keep(user, source),
        lambda: synchronous.begin(user, source, Recipe(model="u2netp"), token=None),
    ]
    with full_store(settings):
        for door in doors:
            with pytest.raises(storage.StoreFullError):
                door()
    assert stored_files() == []
    assert list(Upload.objects.values_list("pk", "state")) == [(announced.pk, "started")]
    assert not Backdrop.objects.exists()
    assert not Improvement.objects.exists()
    assert not Job.objects.exists()


def test_the_page_is_told_with_a_sentence(
    user: User, client_of: Callable[[User], Client], settings: Settings
) -> None:
    client = client_of(user)
    said = {"data": {"name": "a.png", "size": 9}, "content_type": "application/json"}
    with full_store(settings):
        answer = client.post("/uploads/", **said, headers={"accept": "application/json"})  # type: ignore[arg-type]
        page = client.post("/jobs/", {"pictures": [ContentFile(make_picture(), "a.png")]})
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert answer.json() == {
        "code": "store_full",
        "sentence": "This site has no room for more files at the moment. Nothing is lost, and files that "
        "you sent before are still processed. Try again later. If this continues, tell the site's "
        "administrators.",
    }
    assert page.status_code == 503
    assert "This site has no room for more files at the moment." in page.content.decode()
    assert not Upload.objects.exists()


def test_programs_are_told_with_a_code(user: User, settings: Settings) -> None:
    program = Program(user)
    with full_store(settings):
        answer = program.post("uploads/", {"name": "a.png", "size": 9})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "store_full", "30")


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_bytes_that_cannot_be_written_are_a_503_and_can_be_sent_again(user: User, number: int) -> None:
    program = Program(user)
    content = make_picture()
    begun = program.post("uploads/", {"name": "a.png", "size": len(content)}).json()
    with broken_store(number):
        answer = program.form(begun["target"]["url"], {"file": content})
    code = "store_full" if number in {errno.ENOSPC, errno.EDQUOT} else "store_away"
    assert (answer.status_code, answer.json()["code"]) == (503, code)

    assert program.form(begun["target"]["url"], {"file": content}).status_code == 204
    assert program.post(begun["finish_url"]).json()["state"] == "uploaded"


# -- /readyz ---------------------------------------------------------------------------------------


def ready() -> tuple[int, dict[str, str]]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()["missing"]


def test_readyz_says_that_the_store_is_full_or_away(settings: Settings) -> None:
    workers.report("u2netp")
    assert ready() == (200, {})
    full = (503, {"store": "is full; no uploads are taken"})
    away = (503, {"store": "does not answer, or takes no writes"})
    for number in NUMBERS:
        with broken_store(number):
            assert ready() == (full if number in {errno.ENOSPC, errno.EDQUOT} else away)
    with full_store(settings):
        assert ready() == full
    with file_system(free=10**9, read_only=True):
        assert ready() == away
    assert ready() == (200, {})
    circuit.trip()
    assert ready() == away


def test_readyz_asks_the_store_at_most_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_health, "FRESH_SECONDS", 3600.0)
    monkeypatch.setattr(store_health, "_last", None)
    with patch.object(storage, "probe", wraps=storage.probe) as probe:
        for _ in range(20):
            assert store_health.problem() is None
    assert probe.call_count == 1


def test_a_store_that_hangs_is_waited_for_by_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_health, "WAIT_SECONDS", 0.01)
    with store_health._asking:
        assert store_health.problem() == store_health.AWAY
    assert store_health.problem() is None

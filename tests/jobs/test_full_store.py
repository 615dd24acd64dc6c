"""A full or read-only file store, end to end: pictures wait, uploads are refused, /readyz reports it."""

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
    """Resets what earlier tests learned about the store; every /readyz probes again."""
    monkeypatch.setattr(circuit, "_store_was_away", False)
    monkeypatch.setattr(store_health, "FRESH_SECONDS", 0.0)


@contextmanager
def broken_store(number: int) -> Iterator[None]:
    """Every write fails within the block."""
    with patch("os.fsync", side_effect=OSError(number, os.strerror(number))):
        yield


def only(job: Job) -> Picture:
    return Picture.objects.get(job=job)


# -- Accepted work ---------------------------------------------------------------------------------


@pytest.mark.real
@pulled
@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_a_picture_waits_for_the_store_without_spending_an_attempt(user: User, number: int) -> None:
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
def test_an_open_circuit_prevents_useless_computation(user: User) -> None:
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
    assert probe.call_count == 1, "no further probe once the store is back"
    assert set(Picture.objects.values_list("state", "attempts")) == {("done", 1)}


@pytest.mark.real
@pulled
def test_an_unreadable_file_does_not_block_other_pictures(user: User) -> None:
    """The picture fails after its attempts, and the store is not considered unavailable."""
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
def test_accepted_work_finishes_in_the_reserved_space(user: User, settings: Settings) -> None:
    job = make_job(user)
    settings.STORE_MIN_FREE_BYTES = 10_000
    with file_system(free=9_999):
        with pytest.raises(storage.StoreFullError):
            make_upload(user)
        processing.process(only(job).pk)
    assert only(job).state == "done"


def test_failed_deletions_are_repeated_once_the_store_is_back(user: User) -> None:
    job = make_job(user)
    with patch("os.remove", side_effect=OSError(errno.EROFS, "Read-only file system")):
        removal.delete_jobs([job.pk])
    assert len(stored_files()) == 1
    assert discards.sweep_discards() >= 1
    assert stored_files() == []


# -- New uploads -----------------------------------------------------------------------------------


@contextmanager
def full_store(settings: Settings) -> Iterator[None]:
    settings.STORE_MIN_FREE_BYTES = 10_000
    with file_system(free=9_999):
        yield


def test_a_full_store_refuses_every_kind_of_upload(user: User, settings: Settings) -> None:
    content = make_picture()
    source = Source(content, "a.png", pictures.inspect(content, uploads.limits()))
    announced = uploads.start(user, "a.png", len(content))
    entries: list[Callable[[], object]] = [
        lambda: uploads.start(user, "b.png", 1),
        lambda: uploads.receive(announced, ContentFile(content), len(content)),
        lambda: uploads.take_in(user, "c.png", ContentFile(content), len(content)),
        lambda: backdrops.take_in(user, content),
        lambda: improvements.keep(user, source),
        lambda: synchronous.begin(user, source, Recipe(model="u2netp"), token=None),
    ]
    with full_store(settings):
        for entry in entries:
            with pytest.raises(storage.StoreFullError):
                entry()
    assert stored_files() == []
    assert list(Upload.objects.values_list("pk", "state")) == [(announced.pk, "started")]
    assert not Backdrop.objects.exists()
    assert not Improvement.objects.exists()
    assert not Job.objects.exists()


def test_pages_show_a_sentence_about_the_full_store(
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


def test_the_api_answers_store_full(user: User, settings: Settings) -> None:
    program = Program(user)
    with full_store(settings):
        answer = program.post("uploads/", {"name": "a.png", "size": 9})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "store_full", "30")


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_a_failed_write_is_a_503_and_can_be_repeated(user: User, number: int) -> None:
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


def test_readyz_reports_a_full_or_unavailable_store(settings: Settings) -> None:
    workers.report("u2netp")
    assert ready() == (200, {})
    full = (503, {"store": "is full; uploads are refused"})
    away = (503, {"store": "does not answer or is not writable"})
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


def test_readyz_probes_the_store_at_most_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_health, "FRESH_SECONDS", 3600.0)
    monkeypatch.setattr(store_health, "_last", None)
    with patch.object(storage, "probe", wraps=storage.probe) as probe:
        for _ in range(20):
            assert store_health.problem() is None
    assert probe.call_count == 1


def test_only_one_request_waits_for_a_hanging_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_health, "WAIT_SECONDS", 0.01)
    with store_health._asking:
        assert store_health.problem() == store_health.AWAY
    assert store_health.problem() is None

"""Thumbnails and previews of API calls: a worker makes them at the first view, and they are kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from jobs import storage
from jobs.models import Picture, Rendition, ThumbnailRequest
from jobs.services import lines, removal, synchronous, thumbnails
from jobs.worker import processing
from jobs.worker import thumbnails as worker_thumbnails
from segmentation import pictures, weights
from segmentation.recipe import Recipe
from tests.conftest import make_picture
from tests.jobs.compat.conftest import worker
from tests.jobs.factories import bare_job, complete, pictures_of
from tests.jobs.views.answers import body_of
from tests.waiting import until

__all__ = ["worker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
Queued = Callable[[str], list[str]]


def with_weights(test: Any) -> Any:
    """Marks a test that runs the real network."""
    absent = weights.verified("u2netp") is None
    test = pytest.mark.skipif(absent, reason="the weights of u2netp were not pulled")(test)
    return pytest.mark.real(test)


def called(user: User, **fields: object) -> Picture:
    """A finished picture of an API call. It has no thumbnail and no preview."""
    data = make_picture(900, 600, format="JPEG")
    source = synchronous.Source(data, "disc.jpg", pictures.inspect(data))
    call = synchronous.begin(user, source, Recipe.parse({"model": "u2netp", **fields}), token=None)
    # A worker running beside the test may already have claimed the picture.
    processing.process(call.picture)
    picture = until(lambda: Picture.objects.filter(state="done").first(), "the call's picture is done")
    assert (picture.state, picture.thumb_key, Rendition.objects.get().preview_key) == ("done", "", "")
    return picture


def make(picture: Picture) -> None:
    """Does what a worker does after a view."""
    worker_thumbnails.make(thumbnails.request(picture).pk)


@pytest.fixture
def bare(user: User, monkeypatch: pytest.MonkeyPatch) -> Picture:
    """A finished picture without a thumbnail. Views of it do not wait."""
    monkeypatch.setattr(thumbnails, "WAIT_SECONDS", 0.0)
    picture = pictures_of(bare_job(user))[0]
    complete(picture)
    Picture.objects.update(thumb_key="")
    return Picture.objects.get()


@with_weights
@pytest.mark.parametrize("fields", [{}, {"format": "zip"}, {"format": "jpeg"}, {"channels": "alpha"}])
def test_missing_files_are_made_once(user: User, fields: dict[str, object]) -> None:
    picture = called(user, **fields)
    make(picture)
    picture.refresh_from_db()
    rendition = Rendition.objects.get()
    for key in (picture.thumb_key, rendition.preview_key):
        with storage.reading(key) as file, Image.open(file) as image:
            assert (image.format, image.size) == ("WEBP", (640, 427))
    assert not ThumbnailRequest.objects.exists()
    with patch.object(storage, "write", side_effect=AssertionError("nothing is missing")):
        make(picture)
    assert not ThumbnailRequest.objects.exists()


@with_weights
def test_pages_request_missing_thumbnails(user: User, client_of: Any, worker: None) -> None:
    picture = called(user)
    client: Client = client_of(user)
    for name in ("thumb", "preview"):
        answer = client.get(f"/pictures/{picture.pk}/{name}/")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
        with Image.open(io.BytesIO(body_of(answer))) as image:
            assert image.size == (640, 427)


@with_weights
def test_a_view_waits_for_the_event_and_not_for_the_next_poll(
    user: User, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "WAIT_SECONDS", 3600.0)
    monkeypatch.setattr(thumbnails, "LOOK_SECONDS", 3600.0)
    assert thumbnails.thumb_of(called(user)).startswith("thumbs/")


@with_weights
def test_a_picture_that_is_deleted_while_it_runs_leaves_no_file(user: User) -> None:
    picture = called(user)
    request = thumbnails.request(picture)
    real = worker_thumbnails._conclude

    def conclude(*args: Any) -> None:
        removal.delete_pictures([picture.pk])
        real(*args)

    with patch.object(worker_thumbnails, "_conclude", conclude):
        worker_thumbnails.make(request.pk)
    assert list(storage.keys("thumbs/")) == []
    assert not ThumbnailRequest.objects.exists()


@with_weights
def test_a_source_that_is_too_large_fails_once_and_is_retried_after_the_sweep(
    user: User, settings: Settings
) -> None:
    picture = called(user)
    settings.MAX_PICTURE_PIXELS = 899 * 600
    make(picture)
    request = ThumbnailRequest.objects.get()
    assert (request.state, request.error_code, request.attempts) == ("failed", "too_many_pixels", 1)
    assert Rendition.objects.get().preview_key, "the limit does not apply to our own files"
    settings.MAX_PICTURE_PIXELS, settings.UPLOAD_HOURS = 900 * 600, 24
    make(picture)
    assert Picture.objects.get().thumb_key == "", "a failed request is not retried at every view"
    assert thumbnails.sweep() == 0
    ThumbnailRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert thumbnails.sweep() == 1
    make(picture)
    assert Picture.objects.get().thumb_key


def test_a_picture_without_its_source_fails_with_a_code(bare: Picture) -> None:
    Rendition.objects.update(preview_key="previews/there.webp")
    make(bare)
    request = ThumbnailRequest.objects.get()
    assert (request.state, request.error_code) == ("failed", "file_gone")


def test_without_a_worker_a_view_gives_up(bare: Picture) -> None:
    assert thumbnails.thumb_of(bare) == ""
    assert ThumbnailRequest.objects.get().state == "queued"


def test_concurrent_views_send_one_message_and_later_ones_do_not_wait(
    bare: Picture, monkeypatch: pytest.MonkeyPatch, queued: Queued
) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        assert thumbnails.thumb_of(bare) == ""
    request = ThumbnailRequest.objects.get()
    monkeypatch.setattr(thumbnails, "WAIT_SECONDS", 3600.0)
    ThumbnailRequest.objects.update(created_at=now - timedelta(hours=2))
    assert thumbnails.thumb_of(bare) == thumbnails.thumb_of(bare) == ""
    assert queued("interactive") == [str(request.pk)]


def test_without_redis_a_view_gives_up_and_the_request_waits(
    bare: Picture,
    monkeypatch: pytest.MonkeyPatch,
    redis_away: Callable[[], AbstractContextManager[None]],
    queued: Queued,
) -> None:
    monkeypatch.setattr(thumbnails, "WAIT_SECONDS", 3600.0)
    with redis_away():
        assert thumbnails.thumb_of(bare) == ""
    assert lines.THUMBNAILS.top_up_everyone() == 1
    assert queued("interactive") == [str(ThumbnailRequest.objects.get().pk)]

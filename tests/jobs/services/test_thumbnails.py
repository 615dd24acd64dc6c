"""Small pictures of calls: made by a worker, when somebody first looks, and found again afterwards."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from jobs import storage
from jobs.models import Picture, Rendition
from jobs.services import synchronous, thumbnails
from jobs.worker import processing
from segmentation import pictures, weights
from segmentation.errors import PictureError
from segmentation.recipe import Recipe
from tests.conftest import make_picture
from tests.jobs.compat.conftest import worker
from tests.jobs.views.answers import body_of
from tests.waiting import until

__all__ = ["worker"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]


def called(user: User, **fields: object) -> Picture:
    data = make_picture(900, 600, format="JPEG")
    source = synchronous.Source(data, "disc.jpg", pictures.inspect(data))
    call = synchronous.begin(user, source, Recipe.parse({"model": "u2netp", **fields}), token=None)
    # Where a worker runs beside the test, it may have claimed the picture first.
    processing.process(call.picture)
    picture = until(lambda: Picture.objects.filter(state="done").first(), "the call's picture is done")
    assert (picture.state, picture.thumb_key, Rendition.objects.get().preview_key) == ("done", "", "")
    return picture


@pytest.mark.parametrize("fields", [{}, {"format": "zip"}, {"format": "jpeg"}, {"channels": "alpha"}])
def test_what_is_missing_is_made_once(user: User, fields: dict[str, object]) -> None:
    picture = called(user, **fields)
    thumbnails.make(picture.pk)
    picture.refresh_from_db()
    rendition = Rendition.objects.get()
    for key in (picture.thumb_key, rendition.preview_key):
        with storage.reading(key) as file, Image.open(file) as image:
            assert (image.format, image.size) == ("WEBP", (640, 427))
    thumbnails.make(picture.pk)
    assert Rendition.objects.get().preview_key == rendition.preview_key


def test_pages_ask_for_them(user: User, client_of: Any, worker: None) -> None:
    picture = called(user)
    client: Client = client_of(user)
    for name in ("thumb", "preview"):
        answer = client.get(f"/pictures/{picture.pk}/{name}/")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
        with Image.open(io.BytesIO(body_of(answer))) as image:
            assert image.size == (640, 427)


def test_a_picture_that_is_gone_leaves_nothing(user: User) -> None:
    picture = called(user)
    Picture.objects.all().delete()
    thumbnails.make(picture.pk)
    assert list(storage.keys("thumbs/")) == []


def test_without_a_worker_there_is_none_and_nobody_hangs(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "LOOK_SECONDS", 0.0)
    picture = called(user)
    assert thumbnails.thumb_of(picture) == ""


def test_it_is_asked_for_once_a_minute_and_later_ones_do_not_wait(
    user: User, monkeypatch: pytest.MonkeyPatch, queued: Callable[[str], list[str]]
) -> None:
    monkeypatch.setattr(thumbnails, "LOOK_SECONDS", 0.01)
    picture = called(user)
    assert thumbnails.thumb_of(picture) == ""
    before = queued("interactive")
    assert before.count(str(picture.pk)) == 2, "the call itself, and the small picture"
    monkeypatch.setattr(thumbnails, "LOOK_SECONDS", 3600.0)
    assert thumbnails.thumb_of(picture) == ""
    assert queued("interactive") == before
    cache.delete(f"small:{picture.pk}")
    monkeypatch.setattr(thumbnails, "LOOK_SECONDS", 0.0)
    thumbnails.thumb_of(picture)
    assert len(queued("interactive")) == len(before) + 1


def test_a_source_as_large_as_the_operator_allows_gets_one(user: User, settings: Settings) -> None:
    picture = called(user)
    settings.MAX_PICTURE_PIXELS = 899 * 600
    with pytest.raises(PictureError) as refusal:
        thumbnails.make(picture.pk)
    assert refusal.value.code == "too_many_pixels"
    assert Rendition.objects.get().preview_key, "our own file is as large as it is"
    settings.MAX_PICTURE_PIXELS = 900 * 600
    thumbnails.make(picture.pk)
    assert Picture.objects.get().thumb_key

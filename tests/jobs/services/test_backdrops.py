"""Backdrops: stored once per user and content, and usable only by their owner."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from jobs import storage
from jobs.models import Backdrop, Job, Picture, Rendition
from jobs.services import backdrops, orphans, removal, submit, synchronous, uploads
from jobs.worker import processing
from segmentation import pictures, weights
from segmentation.errors import PictureError, RecipeError
from segmentation.recipe import Recipe
from tests.conftest import make_picture, make_upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
pulled = pytest.mark.skipif(
    weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"
)


def blue() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (0, 0, 200)).save(out, "PNG")
    return out.getvalue()


def recipe(ref: str) -> Recipe:
    return Recipe.parse({"model": "u2netp", "background": f"picture:{ref}", "format": "png"})


def test_the_same_bytes_are_stored_once_per_user(user: User, stranger: User) -> None:
    first = backdrops.take_in(user, blue())
    assert (first.width, first.height, first.format, first.size) == (64, 48, "png", len(blue()))
    assert backdrops.take_in(user, blue()).pk == first.pk
    assert backdrops.take_in(stranger, blue()).pk != first.pk
    with storage.reading(first.key) as file:
        assert file.read() == blue()


def test_a_file_that_is_no_picture_is_no_backdrop(user: User) -> None:
    with pytest.raises(PictureError):
        backdrops.take_in(user, b"Dear all")
    assert not Backdrop.objects.exists()


@pytest.mark.real
@pulled
def test_the_backdrop_is_behind_the_cut_out(user: User) -> None:
    backdrop = backdrops.take_in(user, blue())
    job = submit.submit(user, [make_upload(user).pk], recipe(backdrop.digest))
    assert job.backdrop == backdrop
    processing.process(Picture.objects.get().pk)
    with storage.reading(Rendition.objects.get().key) as file:
        picture = Image.open(io.BytesIO(file.read())).convert("RGB")
    assert picture.getpixel((1, 1)) == (0, 0, 200)


def test_another_users_backdrop_is_refused(user: User, stranger: User) -> None:
    backdrop = backdrops.take_in(stranger, blue())
    with pytest.raises(RecipeError) as refused:
        submit.submit(user, [make_upload(user).pk], recipe(backdrop.digest))
    assert refused.value.code == "invalid_background"
    assert not Job.objects.exists()


def test_a_deleted_backdrop_fails_with_a_sentence(user: User) -> None:
    backdrop = backdrops.take_in(user, blue())
    storage.delete([backdrop.key])
    with pytest.raises(RecipeError) as refused:
        backdrops.pixels(user.pk, recipe(backdrop.digest))
    assert (refused.value.code, refused.value.sentence) == (
        "missing_background",
        "The background picture is gone. Send it again.",
    )


def test_a_backdrop_is_no_orphan_while_its_row_exists(user: User) -> None:
    backdrop = backdrops.take_in(user, blue())
    (file,) = storage.keys("backdrops/")
    assert orphans.orphans_of([file]) == set()
    Backdrop.objects.all().delete()
    assert orphans.orphans_of([file]) == {backdrop.key}


def test_deleting_the_owner_deletes_backdrops(user: User) -> None:
    backdrop = backdrops.take_in(user, blue())
    submit.submit(user, [make_upload(user, content=make_picture()).pk], recipe(backdrop.digest))
    user.delete()
    assert not Backdrop.objects.exists()


def call(user: User, content: bytes, *, ephemeral: bool) -> synchronous.Call:
    """Makes a synchronous call as the compatible API does."""
    backdrop = backdrops.take_in(user, content, ephemeral=ephemeral)
    data = make_picture()
    source = synchronous.Source(data, "photo.png", pictures.inspect(data, uploads.limits()))
    return synchronous.begin(user, source, recipe(backdrop.digest), token=None, ephemeral=ephemeral)


def test_forgetting_an_ephemeral_call_deletes_its_backdrop(user: User) -> None:
    first, second = (call(user, blue(), ephemeral=True) for _ in range(2))
    assert first.job == second.job
    assert backdrops.forget(Backdrop.objects.get()) is False, "its job still uses it"
    synchronous.forget(first.job)
    assert not Backdrop.objects.exists()


def test_an_ephemeral_call_keeps_an_earlier_backdrop(user: User) -> None:
    """The earlier job is deleted first, so only the row's `ephemeral` field keeps the backdrop."""
    kept = call(user, blue(), ephemeral=False)
    removal.delete_jobs([kept.job], reason=None)
    synchronous.forget(call(user, blue(), ephemeral=True).job)
    backdrop = Backdrop.objects.get()
    with storage.reading(backdrop.key) as file:
        assert file.read() == blue()
    with transaction.atomic():
        assert backdrops.of(user, recipe(backdrop.digest)) == backdrop


def test_a_backdrop_that_is_also_uploaded_to_be_kept_stays(user: User) -> None:
    fleeting = call(user, blue(), ephemeral=True)
    backdrop = backdrops.take_in(user, blue())
    synchronous.forget(fleeting.job)
    assert Backdrop.objects.get() == backdrop


def test_the_sweep_deletes_ephemeral_and_kept_backdrops(user: User, settings: Settings) -> None:
    backdrops.take_in(user, blue())
    backdrops.take_in(user, make_picture(), ephemeral=True)
    assert backdrops.sweep() == 0
    Backdrop.objects.update(last_used_at=timezone.now() - timedelta(hours=settings.UPLOAD_HOURS, seconds=1))
    assert backdrops.sweep() == 2

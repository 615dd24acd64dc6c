"""Backdrops: kept by what is in them, behind the cut-outs of their owner alone."""

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


def test_the_same_bytes_are_one_backdrop_of_each_user(user: User, stranger: User) -> None:
    first = backdrops.take_in(user, blue())
    assert (first.width, first.height, first.format, first.size) == (64, 48, "png", len(blue()))
    assert backdrops.take_in(user, blue()).pk == first.pk
    assert backdrops.take_in(stranger, blue()).pk != first.pk
    with storage.reading(first.key) as file:
        assert file.read() == blue()


def test_what_is_no_picture_is_none(user: User) -> None:
    with pytest.raises(PictureError):
        backdrops.take_in(user, b"Dear all")
    assert not Backdrop.objects.exists()


@pytest.mark.real
@pulled
def test_it_stands_behind_the_cut_out(user: User) -> None:
    backdrop = backdrops.take_in(user, blue())
    job = submit.submit(user, [make_upload(user).pk], recipe(backdrop.digest))
    assert job.backdrop == backdrop
    processing.process(Picture.objects.get().pk)
    with storage.reading(Rendition.objects.get().key) as file:
        picture = Image.open(io.BytesIO(file.read())).convert("RGB")
    assert picture.getpixel((1, 1)) == (0, 0, 200)


def test_that_of_a_stranger_is_unknown(user: User, stranger: User) -> None:
    backdrop = backdrops.take_in(stranger, blue())
    with pytest.raises(RecipeError) as refused:
        submit.submit(user, [make_upload(user).pk], recipe(backdrop.digest))
    assert refused.value.code == "invalid_background"
    assert not Job.objects.exists()


def test_one_that_is_gone_fails_the_picture_with_a_sentence(user: User) -> None:
    backdrop = backdrops.take_in(user, blue())
    storage.delete([backdrop.key])
    with pytest.raises(RecipeError) as refused:
        backdrops.pixels(user.pk, recipe(backdrop.digest))
    assert (refused.value.code, refused.value.sentence) == (
        "missing_background",
        "The background picture is gone. Send it again.",
    )


def test_it_is_no_orphan_while_its_row_is_there(user: User) -> None:
    backdrop = backdrops.take_in(user, blue())
    (file,) = storage.keys("backdrops/")
    assert orphans.orphans_of([file]) == set()
    Backdrop.objects.all().delete()
    assert orphans.orphans_of([file]) == {backdrop.key}


def test_its_owner_may_go_with_everything(user: User) -> None:
    backdrop = backdrops.take_in(user, blue())
    submit.submit(user, [make_upload(user, content=make_picture()).pk], recipe(backdrop.digest))
    user.delete()
    assert not Backdrop.objects.exists()


def call(user: User, content: bytes, *, ephemeral: bool) -> synchronous.Call:
    """As the compatible API begins one."""
    backdrop = backdrops.take_in(user, content, ephemeral=ephemeral)
    data = make_picture()
    source = synchronous.Source(data, "photo.png", pictures.inspect(data, uploads.limits()))
    return synchronous.begin(user, source, recipe(backdrop.digest), token=None, ephemeral=ephemeral)


def test_an_ephemeral_call_takes_its_own_backdrop_along(user: User) -> None:
    first, second = (call(user, blue(), ephemeral=True) for _ in range(2))
    assert first.job == second.job
    assert backdrops.forget(Backdrop.objects.get()) is False, "its job still has it"
    synchronous.forget(first.job)
    assert not Backdrop.objects.exists()


def test_an_ephemeral_call_leaves_what_its_user_had(user: User) -> None:
    """Whose job is gone by then, so that nothing but the row says that it is to stay."""
    kept = call(user, blue(), ephemeral=False)
    removal.delete_jobs([kept.job], reason=None)
    synchronous.forget(call(user, blue(), ephemeral=True).job)
    backdrop = Backdrop.objects.get()
    with storage.reading(backdrop.key) as file:
        assert file.read() == blue()
    with transaction.atomic():
        assert backdrops.of(user, recipe(backdrop.digest)) == backdrop


def test_what_is_brought_to_be_kept_meanwhile_stays(user: User) -> None:
    fleeting = call(user, blue(), ephemeral=True)
    backdrop = backdrops.take_in(user, blue())
    synchronous.forget(fleeting.job)
    assert Backdrop.objects.get() == backdrop


def test_the_sweep_takes_both_kinds(user: User, settings: Settings) -> None:
    backdrops.take_in(user, blue())
    backdrops.take_in(user, make_picture(), ephemeral=True)
    assert backdrops.sweep() == 0
    Backdrop.objects.update(last_used_at=timezone.now() - timedelta(hours=settings.UPLOAD_HOURS, seconds=1))
    assert backdrops.sweep() == 2

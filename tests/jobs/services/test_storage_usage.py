"""The storage counter equals the sum of the rows after every upload, result, cancel and delete."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from accounts.errors import QuotaExceededError
from accounts.models import Plan, Storage, User
from jobs import storage
from jobs.models import Backdrop, Job, Matte, Picture, Receipt, Rendition, Upload
from jobs.services import backdrops, orphans, removal, retention, storage_usage, submit, uploads
from jobs.worker import processing
from segmentation import weights
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.factories import complete_all, pictures_of, stored_files

pytestmark = pytest.mark.django_db
RECIPE = Recipe(model="u2netp")
with_weights = pytest.mark.skipif(
    weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"
)


def counted(user: User) -> int:
    return Storage.objects.filter(user=user).values_list("bytes", flat=True).first() or 0


def summed(user: User) -> int:
    """Returns the sum of the rows."""
    sources = Upload.objects.filter(user=user, state__in=["uploaded", "submitted"])
    rows = [
        sources,
        Matte.objects.filter(picture__user=user),
        Rendition.objects.filter(picture__user=user),
        Backdrop.objects.filter(user=user),
    ]
    return sum(queryset.aggregate(total=Sum("size"))["total"] or 0 for queryset in rows)


def on_disk() -> int:
    """Returns the bytes on disk, without the previews and thumbnails, which do not count."""
    root = Path(site.STORAGES["default"]["OPTIONS"]["location"])
    return sum(
        (root / key).stat().st_size
        for key in stored_files()
        if key.split("/")[0] not in {"thumbs", "previews"}
    )


def limit(**limits: int | None) -> None:
    Plan.objects.filter(is_default=True).update(**limits)


def finished(user: User, count: int = 1) -> Job:
    """A finished job."""
    return complete_all(make_job(user, count))


def test_an_upload_counts_once_it_is_a_picture(user: User) -> None:
    data = make_picture()
    upload = uploads.start(user, "disc.png", len(data))
    uploads.receive(upload, io.BytesIO(data), len(data))
    assert counted(user) == 0
    for _ in range(2):
        uploads.finish(upload)
    assert counted(user) == summed(user) == on_disk() == len(data)
    make_upload(user, "broken.png", b"no picture")
    assert counted(user) == len(data)


def test_submit_refusal_and_a_second_run_change_no_usage(user: User) -> None:
    job = make_job(user, 2)
    before = counted(user)
    assert before == summed(user) == on_disk()
    again = submit.again(job, RECIPE)
    removal.cancel(again)
    assert counted(user) == summed(user) == before
    removal.delete_jobs([job.pk])
    assert counted(user) == summed(user) == on_disk() == before
    removal.delete_jobs([again.pk])
    assert counted(user) == summed(user) == 0


@with_weights
def test_results_are_counted(user: User, stranger: User) -> None:
    make_job(stranger)
    job = make_job(user, 2)
    sources = counted(user)
    for picture in pictures_of(job):
        processing.process(picture.pk)
    assert {picture.state for picture in pictures_of(job)} == {"done"}
    made = Matte.objects.filter(size__gt=0)
    assert made.count() == 2
    assert counted(user) == summed(user) == on_disk() - counted(stranger)
    assert counted(user) > sources


def test_deleting_pictures_jobs_and_uploads_frees_their_bytes(user: User, stranger: User) -> None:
    theirs = finished(stranger, 2)
    jobs = [finished(user, 3), finished(user, 2)]
    left = make_upload(user)
    of_stranger = counted(stranger)
    assert counted(user) == summed(user) > 0
    removal.delete_pictures([pictures_of(jobs[0])[0].pk, pictures_of(theirs)[0].pk])
    assert counted(user) == summed(user)
    assert counted(stranger) == summed(stranger) < of_stranger
    removal.delete_jobs([job.pk for job in jobs])
    assert counted(user) == summed(user) == left.size
    Upload.objects.filter(pk=left.pk).update(created_at=timezone.now() - timedelta(days=365))
    assert removal.sweep_uploads() == 1
    assert counted(user) == summed(user) == 0
    assert counted(stranger) == summed(stranger) > 0


def test_deletion_by_staff_and_expiry_free_storage(user: User) -> None:
    job, old = finished(user), finished(user)
    removal.delete_jobs([job.pk], Receipt.Reason.STAFF)
    assert counted(user) == summed(user) > 0
    limit(keep_days=1)
    Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert retention.expire() == 1
    assert counted(user) == summed(user) == 0


def test_orphans_are_not_counted(user: User) -> None:
    finished(user)
    before = counted(user)
    storage.write(storage.matte_key(pictures_of(make_job(user))[0].pk, 9), b"nobody's")
    storage.write("mattes/of-nobody", b"nobody's")
    orphans.sweep_all(timedelta(0))
    assert counted(user) == summed(user) == before + Upload.objects.order_by("-created_at")[0].size


@with_weights
def test_a_picture_processed_again_is_counted_once(user: User) -> None:
    job = make_job(user)
    (picture,) = pictures_of(job)
    processing.process(picture.pk)
    before = counted(user)
    Picture.objects.update(state="queued", finished_at=None, dispatched_at=None, attempts=0)
    processing.process(picture.pk)
    assert Rendition.objects.count() == Matte.objects.count() == 1
    assert counted(user) == summed(user) == before


def test_a_backdrop_counts_once_until_it_is_deleted(user: User) -> None:
    data = make_picture()
    limit(storage_bytes=len(data))
    made = [backdrops.take_in(user, data, ephemeral=True) for _ in range(2)]
    assert made[0] == made[1]
    assert counted(user) == summed(user) == on_disk() == len(data)
    with pytest.raises(QuotaExceededError):
        backdrops.take_in(user, make_picture(seed=1))
    assert Backdrop.objects.count() == 1
    assert counted(user) == on_disk() == len(data)
    assert backdrops.forget(made[0]) is True
    assert backdrops.forget(made[0]) is False
    assert counted(user) == summed(user) == 0


def test_an_upload_that_does_not_fit_is_refused_and_deleted(
    user: User, client_of: Callable[[User], Client]
) -> None:
    data = make_picture()
    limit(storage_bytes=len(data) + 1)
    early = uploads.start(user, "early.png", len(data))
    uploads.receive(early, io.BytesIO(data), len(data))
    make_upload(user)
    late = uploads.finish(early)
    assert (late.state, late.error_code) == ("refused", "storage_full")
    assert "Delete jobs that you no longer need." in late.error_sentence
    assert counted(user) == summed(user) == on_disk() == len(data)
    browser = client_of(user)
    answer = browser.post("/uploads/", {"name": "x.png", "size": 2}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (429, "storage_full")
    assert (
        browser.post("/uploads/", {"name": "x.png", "size": 1}, content_type="application/json").status_code
        == 201
    )
    assert counted(user) == len(data)


@with_weights
def test_results_that_fill_the_storage_exactly_are_kept(user: User) -> None:
    job = make_job(user)
    limit(storage_bytes=counted(user))
    processing.process(pictures_of(job)[0].pk)
    assert pictures_of(job)[0].state == "done"
    assert counted(user) == summed(user)


def test_recount_finds_and_corrects_wrong_counters(user: User, stranger: User) -> None:
    finished(user)
    make_upload(user)
    backdrops.take_in(user, make_picture())
    right = summed(user)
    Storage.objects.filter(user=user).update(bytes=right + 11)
    out = io.StringIO()
    call_command("recount_storage", stdout=out)
    assert out.getvalue() == (
        f"user {user.pk}: counter was {right + 11} bytes, stored are {right}\n"
        "1 of 2 counters were wrong and are now corrected.\n"
    )
    assert (counted(user), counted(stranger)) == (right, 0)
    assert storage_usage.recount(User.objects.all()) == {}

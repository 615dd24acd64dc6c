"""Removal: rows and files are deleted together. A crash in between leaves a Discard row, no lost file."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
import redis
import time_machine
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from jobs import storage
from jobs.models import Discard, Job, Matte, Picture, Rendition, Upload
from jobs.queue.claims import Claim, LeaseLostError
from jobs.services import discards, lines, removal, retry, submit, uploads
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_upload
from tests.jobs.at_once import at_once
from tests.jobs.factories import complete, complete_all, keys_of, pictures_of, states_of, stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def nothing_is_left() -> bool:
    models = (Job, Picture, Matte, Rendition, Upload, Discard)
    return stored_files() == [] and not any(model.objects.exists() for model in models)


def half_done(picture: Picture) -> None:
    """Writes what a worker leaves when it is killed between writing files and writing rows."""
    claim = lines.PICTURES.claim(picture.pk)
    assert claim is not None
    recipe = Recipe.parse(claim.row.job.recipe)
    storage.write(storage.thumb_key(picture.pk), b"1")
    storage.write(storage.matte_key(picture.pk, 1), b"2")
    storage.write(storage.rendition_key(picture.pk, 1, recipe.digest, recipe.extension), b"3")
    storage.write(storage.preview_key(picture.pk, 1, recipe.digest), b"4")


def test_a_done_jobs_files_are_in_the_store(user: User) -> None:
    """Baseline of the other tests: each done picture has five files, all named by rows."""
    job = complete_all(make_job(user, 2))
    assert len(stored_files()) == 10
    assert stored_files() == keys_of(job)


def test_a_deleted_job_leaves_no_rows_or_files(user: User) -> None:
    job = complete_all(make_job(user, 3))
    assert removal.delete_jobs([job.pk]) == 1
    assert nothing_is_left()


@pytest.mark.parametrize("state", ["queued", "running", "failed", "cancelled"])
def test_a_job_deleted_in_any_state_leaves_no_files(user: User, state: str) -> None:
    job = make_job(user, 2)
    first = pictures_of(job)[0]
    if state in {"running", "failed"}:
        half_done(first)
    if state == "failed":
        first.refresh_from_db()
        lines.PICTURES.fail(Claim(first, first.lease_token), "internal_error", "On our side.")
    if state == "cancelled":
        removal.cancel(job)
    assert states_of(job)[0] == state
    removal.delete_jobs([job.pk])
    assert nothing_is_left()


def test_jobs_that_share_a_source_and_are_deleted_at_once_leave_no_files(user: User) -> None:
    first = make_job(user, 2)
    jobs = [first, submit.again(first, Recipe(model="u2netp", refine="off"))]
    assert at_once(lambda number: removal.delete_jobs([jobs[number].pk]), 2) == [1, 1]
    discards.sweep_discards()
    assert nothing_is_left()


def test_refused_pictures_are_deleted_like_others(user: User) -> None:
    ids = [make_upload(user).pk, make_upload(user, "text.jpg", b"text").pk]
    job = submit.submit(user, ids, Recipe(model="u2netp"))
    assert removal.delete_jobs([job.pk]) == 1
    assert nothing_is_left()


def test_deleting_touches_nothing_else(user: User, stranger: User) -> None:
    mine = complete_all(make_job(user))
    kept = complete_all(make_job(user))
    theirs = complete_all(make_job(stranger))
    removal.delete_jobs([mine.pk])
    assert stored_files() == sorted([*keys_of(kept), *keys_of(theirs)])
    assert set(Job.objects.values_list("pk", flat=True)) == {kept.pk, theirs.pk}
    assert Upload.objects.count() == 2


def test_deleting_a_deleted_job_is_no_error(user: User) -> None:
    job = make_job(user)
    assert removal.delete_jobs([job.pk]) == 1
    assert removal.delete_jobs([job.pk]) == 0
    assert removal.delete_pictures([]) == 0


def test_files_are_deleted_only_after_the_commit(user: User) -> None:
    job = complete_all(make_job(user))
    before = stored_files()
    with transaction.atomic():
        removal.delete_jobs([job.pk])
        assert stored_files() == before
        transaction.set_rollback(True)
    assert stored_files() == before == keys_of(job)
    assert not Discard.objects.exists()


def test_a_crash_before_the_files_are_deleted_leaves_discards_for_the_sweep(user: User) -> None:
    job = complete_all(make_job(user, 2))
    files = stored_files()
    with patch.object(discards, "sweep_discards"):
        removal.delete_jobs([job.pk])
    assert stored_files() == files
    assert sorted(Discard.objects.values_list("key", flat=True)) == files
    assert discards.sweep_discards() == 10
    assert nothing_is_left()


def test_a_file_that_cannot_be_deleted_does_not_block_the_others(user: User) -> None:
    storage.write("stuck/inside", b"1")
    storage.write("zebra", b"2")
    discards.discard(["stuck", "zebra"])
    assert stored_files() == ["stuck/inside"]
    assert list(Discard.objects.values_list("key", flat=True)) == ["stuck"]
    assert discards.sweep_discards() == 0
    storage.delete(["stuck/inside"])
    assert discards.sweep_discards() == 1
    assert nothing_is_left()


def test_failing_discards_do_not_block_later_ones(user: User) -> None:
    """Many failing files must not fill up every round."""
    for number in range(3):
        storage.write(f"stuck-{number}/inside", b"1")
        Discard.objects.create(key=f"stuck-{number}")
    storage.write("zebra", b"2")
    Discard.objects.create(key="zebra")
    for _ in range(3):
        discards.sweep_discards(most=2)
    assert "zebra" not in stored_files()


def test_deleting_succeeds_while_the_store_is_unavailable(user: User) -> None:
    job = complete_all(make_job(user))
    with patch.object(storage, "delete", side_effect=storage.StoreUnavailableError("no answer")):
        assert removal.delete_jobs([job.pk]) == 1
    assert not Job.objects.exists()
    assert Discard.objects.count() == 5
    discards.sweep_discards()
    assert nothing_is_left()


def test_a_file_discarded_twice_has_one_row(user: User) -> None:
    storage.write("a", b"1")
    with transaction.atomic():
        discards.discard(["a", "", "a"])
        discards.discard(["a"])
        assert Discard.objects.count() == 1
    assert nothing_is_left()


def test_a_sweep_round_is_bounded_and_the_next_continues(user: User) -> None:
    keys = [f"many/{number}" for number in range(12)]
    for key in keys:
        storage.write(key, b"1")
    with patch.object(discards, "SWEEP", 5):
        discards.discard(keys)
    assert Discard.objects.count() == len(stored_files()) == 7
    assert [discards.sweep_discards(5) for _ in range(3)] == [5, 2, 0]
    assert nothing_is_left()


def test_deleting_a_picture_leaves_the_others(user: User) -> None:
    job = complete_all(make_job(user, 2))
    first, second = pictures_of(job)
    assert removal.delete_pictures([first.pk]) == 1
    assert [picture.pk for picture in pictures_of(job)] == [second.pk]
    assert stored_files() == keys_of(job)
    assert [upload.key for upload in Upload.objects.all()] == [second.source_key]
    job.refresh_from_db()
    assert job.state == "finished"


def test_deleting_the_last_picture_deletes_the_job(user: User) -> None:
    job = complete_all(make_job(user))
    assert removal.delete_pictures([pictures_of(job)[0].pk]) == 1
    assert nothing_is_left()


def test_deleting_the_last_open_picture_closes_the_job(user: User) -> None:
    job = make_job(user, 2)
    first, second = pictures_of(job)
    complete(first)
    removal.delete_pictures([second.pk])
    job.refresh_from_db()
    assert (job.state, states_of(job)) == ("finished", ["done"])


def test_cancelling_stops_queued_and_running_pictures(user: User) -> None:
    job = make_job(user, 3)
    done, running, queued = pictures_of(job)
    complete(done)
    claim = lines.PICTURES.claim(running.pk)
    assert claim is not None
    assert removal.cancel(job) == 2
    job.refresh_from_db()
    assert (job.state, states_of(job)) == ("cancelled", ["done", "cancelled", "cancelled"])
    assert job.finished_at is not None
    with pytest.raises(LeaseLostError):
        lines.PICTURES.end(claim, "done")
    assert lines.PICTURES.claim(queued.pk) is None
    for picture in pictures_of(job)[1:]:
        assert (picture.lease_token, picture.lease_until, picture.dispatched_at) == (None, None, None)
        assert picture.finished_at is not None


def test_cancelling_a_finished_job_changes_nothing_and_publishes_nothing(
    user: User, valkey: redis.Redis
) -> None:
    job = complete_all(make_job(user))
    finished_at = job.finished_at
    with valkey.pubsub() as heard:
        heard.subscribe(f"events:job:{job.pk}")
        heard.get_message(timeout=60)
        assert removal.cancel(job) == 0
        assert heard.get_message(timeout=0) is None
    job.refresh_from_db()
    assert (job.state, job.finished_at) == ("finished", finished_at)


def test_retrying_a_cancelled_job_reopens_it(user: User) -> None:
    job = make_job(user, 2)
    removal.cancel(job)
    assert retry.retry_failed(job) == 2
    job.refresh_from_db()
    assert (job.state, job.finished_at, states_of(job)) == ("active", None, ["queued", "queued"])


def test_unsubmitted_uploads_are_swept_with_their_bytes(user: User, settings: Settings) -> None:
    settings.UPLOAD_HOURS = 24
    submitted = make_job(user)
    with time_machine.travel(timezone.now() - timedelta(hours=24, minutes=1), tick=False):
        make_upload(user)
        make_upload(user, "text.jpg", b"text")
        started = uploads.start(user, "started.png", 10)
        uploads.receive(started, ContentFile(b"half"), 4)
        Upload.objects.filter(state="submitted").update(created_at=timezone.now())
    with time_machine.travel(timezone.now() - timedelta(hours=23, minutes=59), tick=False):
        young = make_upload(user)
    assert removal.sweep_uploads() == 3
    assert stored_files() == sorted([young.key, *keys_of(submitted)])
    assert Upload.objects.count() == 2
    assert not Discard.objects.exists()
    assert removal.sweep_uploads() == 0

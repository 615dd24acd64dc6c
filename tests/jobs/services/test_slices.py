"""Large jobs in slices: transactions stay small, limits stay exact, and interrupted work is finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import connection, transaction

from accounts.errors import QuotaExceededError
from accounts.models import Entry, Plan, Storage, Usage, User
from accounts.services import quota
from jobs import selectors
from jobs.models import Continuation, Job, Picture, Receipt, Upload
from jobs.services import continuing, idempotency, removal, retry, slices, submit
from segmentation.recipe import Recipe
from tests.contention.run import wrong_of
from tests.jobs.factories import bare_job, bare_uploads, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
RECIPE = Recipe(model="u2netp")
PICTURES = 12
# Maximum for one slice of two pictures: their rows, those of uploads, mattes, renditions and files, and a few
# of the job.
MOST_ROWS = 24


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "PICTURES", 2)
    monkeypatch.setattr(slices, "PAUSE", 0)


@pytest.fixture
def ids(user: User) -> list[UUID]:
    """Ids of uploads that count towards storage."""
    with transaction.atomic():
        quota.add_storage(user, 9 * PICTURES)
        return bare_uploads(user, PICTURES)


@contextmanager
def rows_written() -> Iterator[list[int]]:
    """Collects how many rows each transaction wrote."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite counts what a connection has changed")
    connection.ensure_connection()
    counts: list[int] = []
    real = transaction.Atomic.__exit__

    def leave(self: transaction.Atomic, *error: object) -> None:
        outermost = not connection.savepoint_ids and connection.in_atomic_block
        if outermost:
            counts.append(connection.connection.total_changes - sum(counts) - before)
        real(self, *error)  # type: ignore[arg-type]

    before = connection.connection.total_changes
    with patch.object(transaction.Atomic, "__exit__", leave):
        yield counts


def dying_after(steps: int) -> Callable[[object], None]:
    """Replaces slices.run: the process dies after this many slices."""

    def run(step: Callable[[], object]) -> None:
        for _ in range(steps):
            if not step():
                return
        raise SystemExit

    return run


def states(job: Job) -> dict[str, int]:
    job = Job.objects.get(pk=job.pk)
    selectors._attach_counts([job])
    return {state: count for state, count in job.counts.items() if count}


def used(user: User) -> int:
    return int(Usage.objects.get(user=user).pictures)


def test_no_transaction_writes_many_rows(user: User, ids: list[UUID]) -> None:
    with rows_written() as counts:
        job = submit.submit(user, ids, RECIPE)
        other = submit.again(job, RECIPE)
        assert removal.cancel(job) == PICTURES
        assert retry.retry_failed(job) == PICTURES
        assert removal.delete_jobs([job.pk, other.pk]) == 2
    assert len(counts) > 5 * PICTURES // 2
    assert max(counts) <= MOST_ROWS, counts
    assert not Job.objects.exists()
    assert not Upload.objects.exists()
    assert (Storage.objects.get(user=user).bytes, used(user)) == (0, 0)


def test_the_scheduler_finishes_an_interrupted_submit(user: User, ids: list[UUID]) -> None:
    with patch.object(slices, "run", dying_after(2)), pytest.raises(SystemExit):
        submit.submit(user, ids, RECIPE)
    job = Job.objects.get()
    assert (Picture.objects.count(), job.picture_count, job.to_come) == (6, 12, 6)
    assert states(job) == {"queued": 12}
    assert used(user) == selectors.in_flight_of(user.pk) == 12
    reserved = selectors.reserved_of(user.pk)
    assert continuing.sweep() == 0, "the request may still be running"
    Continuation.objects.update(created_at=job.created_at - timedelta(minutes=2))
    assert continuing.sweep() == 1
    assert [picture.name for picture in pictures_of(job)] == [f"picture-{n}.png" for n in range(12)]
    assert (used(user), selectors.in_flight_of(user.pk), selectors.reserved_of(user.pk)) == (12, 12, reserved)
    assert not Continuation.objects.exists()
    assert wrong_of(user) == []


def test_with_an_idempotency_key_the_other_slices_follow_the_commit(user: User, ids: list[UUID]) -> None:
    def act() -> idempotency.Answer:
        job = submit.submit(user, ids, RECIPE)
        assert (Picture.objects.count(), states(job)) == (2, {"queued": 12})
        return idempotency.Answer(201, {"id": str(job.pk)})

    with rows_written() as counts:
        idempotency.once(user, "key", "digest", act)
    assert max(counts) <= MOST_ROWS, counts
    assert Picture.objects.count() == 12
    assert wrong_of(user) == []


def test_a_job_is_not_closed_while_pictures_are_unwritten(user: User, ids: list[UUID]) -> None:
    with patch.object(slices, "run", dying_after(0)), pytest.raises(SystemExit):
        submit.submit(user, ids, RECIPE)
    job = Job.objects.get()
    assert removal.delete_pictures([picture.pk for picture in pictures_of(job)]) == 2
    job.refresh_from_db()
    assert (job.state, job.picture_count, job.to_come) == ("active", 10, 10)
    continuing.finish(job.pk)
    assert states(job) == {"queued": 10}
    assert wrong_of(user) == []


def test_a_cancel_includes_unwritten_pictures(user: User, ids: list[UUID]) -> None:
    with patch.object(slices, "run", dying_after(1)), pytest.raises(SystemExit):
        submit.submit(user, ids, RECIPE)
    job = Job.objects.get()
    assert removal.cancel(job) == 12
    assert states(job) == {"cancelled": 12}
    assert Picture.objects.filter(state="cancelled").count() == 12
    assert (used(user), selectors.in_flight_of(user.pk)) == (0, 0)
    assert wrong_of(user) == []


def test_an_interrupted_cancel_is_finished(user: User) -> None:
    job = bare_job(user, 12)
    with patch.object(slices, "run", dying_after(1)), pytest.raises(SystemExit):
        removal.cancel(job)
    assert Job.objects.get().state == "cancelled"
    assert Picture.objects.filter(state="queued").count() == 8
    continuing.finish(job.pk)
    assert states(job) == {"cancelled": 12}


@pytest.mark.parametrize("growing", [False, True])
def test_an_interrupted_deletion_is_finished(user: User, ids: list[UUID], *, growing: bool) -> None:
    with patch.object(slices, "run", dying_after(1 if growing else 99)):
        if growing:
            with pytest.raises(SystemExit):
                submit.submit(user, ids, RECIPE)
        else:
            submit.submit(user, ids, RECIPE)
    job = Job.objects.get()
    with patch.object(slices, "run", dying_after(1)), pytest.raises(SystemExit):
        removal.delete_jobs([job.pk])
    receipt = Receipt.objects.get()
    assert (receipt.picture_count, receipt.whole) == (12, True)
    assert removal.delete_jobs([job.pk]) == 0, "its deletion has already begun"
    continuing.finish(job.pk)
    assert not any(model.objects.exists() for model in (Job, Picture, Upload, Continuation))
    assert (Storage.objects.get(user=user).bytes, used(user)) == (0, 0)
    assert Receipt.objects.count() == 1


def test_a_file_deleted_before_its_slice_is_refunded(user: User, ids: list[UUID]) -> None:
    with patch.object(slices, "run", dying_after(0)), pytest.raises(SystemExit):
        submit.submit(user, ids, RECIPE)
    assert removal.delete_uploads(Upload.objects.filter(pk=ids[5])) == 1
    job = Job.objects.get()
    continuing.finish(job.pk)
    assert states(job) == {"queued": 11, "failed": 1}
    assert pictures_of(job)[5].error_code == "upload_not_ready"
    assert (used(user), selectors.in_flight_of(user.pk)) == (11, 11)
    assert wrong_of(user) == []


@pytest.mark.parametrize("limits", [{"in_flight": 11}, {"pictures_month": 11}])
def test_limits_are_checked_for_the_whole_job(user: User, ids: list[UUID], limits: dict[str, int]) -> None:
    Plan.objects.update_or_create(is_default=True, defaults={"name": "Small", **limits})
    with pytest.raises(QuotaExceededError):
        submit.submit(user, ids, RECIPE)
    assert not Job.objects.exists()
    Plan.objects.update(in_flight=None, pictures_month=None)
    job = submit.submit(user, ids, RECIPE)
    removal.cancel(job)
    entries = Entry.objects.count()
    Plan.objects.update(**limits)
    with pytest.raises(QuotaExceededError):
        retry.retry_failed(job)
    assert (states(job), Entry.objects.count()) == ({"cancelled": 12}, entries)

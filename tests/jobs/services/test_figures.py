"""The daily figures of a small made history, exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Model, Sum

from accounts.models import User
from common.ids import new_id
from jobs import clock
from jobs.models import (
    CountedDay,
    DailyFailures,
    DailyFigures,
    DailyTimes,
    Feedback,
    Job,
    Matte,
    PastPicture,
    Picture,
    Receipt,
)
from jobs.models.figures import COUNTERS
from jobs.services import (
    continuing,
    downloads,
    feedback,
    figures,
    lines,
    removal,
    rendition_requests,
    slices,
    submit,
)
from jobs.statistics import bucket_of
from segmentation.recipe import Recipe
from tests.conftest import make_job
from tests.jobs.at_once import at_once
from tests.jobs.factories import complete, complete_all, pictures_of

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = NOON.date()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The database's clock: the last entry."""
    times = [NOON]
    monkeypatch.setattr(clock, "now", lambda: times[-1])
    return times


def place(job: Job, finished: datetime, waited: float = 2.0, processed: float = 0.5) -> None:
    """Moves the pictures of a job to a time."""
    started = finished - timedelta(seconds=processed)
    Picture.objects.filter(job=job).update(
        finished_at=finished, started_at=started, queued_at=started - timedelta(seconds=waited)
    )


def correct(picture: Picture) -> None:
    Matte.objects.create(
        picture=picture, revision=2, origin="brush", matte_digest="d", key=str(new_id()), width=8, height=6
    )


def count_all() -> None:
    for _ in range(figures.LONGEST_GAP_DAYS):
        if not figures.refresh():
            return
    raise AssertionError("the figures are never fresh")


def counted(**about: object) -> dict[str, int]:
    sums = DailyFigures.objects.filter(**about).aggregate(**{f"n_{name}": Sum(name) for name in COUNTERS})
    return {name: sums[f"n_{name}"] for name in COUNTERS if sums[f"n_{name}"]}


def history(user: User) -> Job:
    """Five results of u2netp and one failure."""
    job = make_job(user, 6, Recipe(model="u2netp", refine="fast"))
    as_is, corrected, both, down, untouched, failed = pictures_of(job)
    for picture in (as_is, corrected, both, down, untouched):
        complete(picture)
    claim = lines.PICTURES.claim(failed.pk)
    assert claim is not None
    lines.PICTURES.fail(claim, "worker_lost", "It is broken.")
    place(job, NOON)
    as_is, corrected, both, down, untouched, failed = pictures_of(job)
    downloads.note([as_is, both, down])
    feedback.give(as_is, "up")
    feedback.give(down, "down", ["hole"])
    correct(corrected)
    correct(both)
    # A thumb on what a person corrected says nothing about the model; this one came before.
    feedback.give(corrected, "down", ["hair"])
    matte = untouched.mattes.get()
    rendition_requests.render(
        untouched, matte, rendition_requests.recipe_for(untouched, job.recipe, {"background": "#fff"})
    )
    return job


HISTORY = {"done": 5, "as_is": 2, "corrected": 2, "redone": 1, "up": 1, "down": 2, "failed": 1}


def test_a_small_history(user: User, now: list[datetime]) -> None:
    history(user)
    count_all()
    assert counted() == HISTORY
    assert counted(day=DAY, model="u2netp", refinement="fast", origin="web") == HISTORY
    assert list(DailyFailures.objects.values_list("day", "code", "count")) == [(DAY, "worker_lost", 1)]
    assert list(DailyTimes.objects.values_list("lane", "kind", "bucket", "count")) == [
        ("batch", "processing", bucket_of(0.5), 5),
        ("batch", "waiting", bucket_of(2.0), 5),
    ]


def test_a_thumb_on_a_corrected_matte_does_not_count(user: User, now: list[datetime]) -> None:
    job = complete_all(make_job(user))
    place(job, NOON)
    feedback.give(pictures_of(job)[0], "up")
    Feedback.objects.update(matte_revision=2)
    count_all()
    assert counted() == {"done": 1}


def test_running_a_job_again_makes_its_results_redone(user: User, now: list[datetime]) -> None:
    job = complete_all(make_job(user, 2))
    place(job, NOON)
    submit.again(job, Recipe(model="u2netp", background=Recipe.parse({"background": "#fff"}).background))
    at = Job.objects.get(pk=job.pk).redone_at
    submit.again(job, Recipe(model="u2netp"))
    assert Job.objects.get(pk=job.pk).redone_at == at
    count_all()
    assert counted() == {"done": 2, "redone": 2}


@pytest.mark.parametrize("reason", [Receipt.Reason.OWNER, Receipt.Reason.EXPIRED, None])
def test_deletion_changes_no_figure_but_refused(user: User, now: list[datetime], reason: str | None) -> None:
    job = history(user)
    removal.delete_jobs([job.pk], reason)
    count_all()
    # Deleted by its owner without a download: one corrected and one untouched result.
    gone = {"refused": 2} if reason == Receipt.Reason.OWNER else {}
    assert counted() == {**HISTORY, **gone}
    assert DailyTimes.objects.get(kind="waiting").count == 5
    names = {field.name for field in PastPicture._meta.get_fields()}
    assert not names & {"user", "picture", "name", "job"}, "nothing says whose picture it was"


def test_single_pictures_and_large_jobs_are_kept_too(
    user: User, now: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small = complete_all(make_job(user, 3)), complete_all(make_job(user, 2))
    for job in (large, small):
        place(job, NOON)
    removal.delete_pictures([pictures_of(small)[0].pk])
    monkeypatch.setattr(slices, "PICTURES", 2)
    removal.delete_jobs([large.pk])
    continuing.finish(large.pk)
    assert not Job.objects.filter(pk=large.pk).exists()
    assert PastPicture.objects.filter(refused=True).count() == 4
    count_all()
    assert counted() == {"done": 5, "refused": 4}


def test_counting_again_gives_the_same_and_sees_late_changes(user: User, now: list[datetime]) -> None:
    job = history(user)
    count_all()
    assert figures.refresh() is False, "nothing is out of date"
    now.append(NOON + timedelta(minutes=figures.FRESH_MINUTES))
    assert figures.refresh() is True
    assert counted() == HISTORY
    now.append(NOON + timedelta(days=20))
    downloads.note([pictures_of(job)[4]])
    count_all()
    assert counted() == {**HISTORY, "as_is": 3}
    removal.delete_jobs([job.pk], None)
    now.append(NOON + timedelta(days=20, hours=7))
    count_all()
    assert counted() == {**HISTORY, "as_is": 3}


def test_rows_that_no_longer_count_disappear(user: User, now: list[datetime]) -> None:
    job = complete_all(make_job(user))
    place(job, NOON)
    count_all()
    place(job, NOON - timedelta(days=1))
    now.append(NOON + timedelta(hours=6))
    CountedDay.objects.create(day=DAY - timedelta(days=1), counted_at=NOON - timedelta(days=1))
    count_all()
    assert list(DailyFigures.objects.values_list("day", "done")) == [(DAY - timedelta(days=1), 1)]
    assert {row.day for row in DailyTimes.objects.all()} == {DAY - timedelta(days=1)}


def test_a_day_becomes_final(user: User, now: list[datetime]) -> None:
    job = complete_all(make_job(user))
    place(job, NOON)
    count_all()
    now.append(NOON + timedelta(days=figures.OPEN_DAYS))
    count_all()
    downloads.note(pictures_of(job))
    now.append(NOON + timedelta(days=figures.OPEN_DAYS + 1))
    count_all()
    assert counted(day=DAY) == {"done": 1}
    removal.delete_jobs([job.pk])
    assert not PastPicture.objects.exists(), "its day is final"


def test_it_catches_up_after_a_long_stop(user: User, now: list[datetime]) -> None:
    first, second = complete_all(make_job(user)), complete_all(make_job(user))
    place(first, NOON)
    place(second, NOON + timedelta(days=3))
    count_all()
    now.append(NOON + timedelta(days=60))
    count_all()
    days = list(CountedDay.objects.values_list("day", flat=True))
    assert days == [DAY + timedelta(days=number) for number in range(61)]
    assert list(DailyFigures.objects.values_list("day", "done")) == [
        (DAY, 1),
        (DAY + timedelta(days=3), 1),
    ]


def test_kept_rows_are_deleted_when_their_day_is_final(user: User, now: list[datetime]) -> None:
    job = complete_all(make_job(user))
    place(job, NOON)
    removal.delete_jobs([job.pk])
    assert figures.sweep() == 0
    now.append(NOON + timedelta(days=60))
    assert figures.sweep() == 0, "the day was never counted"
    CountedDay.objects.create(day=DAY, counted_at=NOON)
    count_all()
    assert figures.sweep() == 1
    assert not PastPicture.objects.exists()
    assert counted() == {"done": 1, "refused": 1}


def test_days_begin_at_midnight_utc(user: User, now: list[datetime]) -> None:
    late, early = complete_all(make_job(user)), complete_all(make_job(user))
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    place(late, midnight - timedelta(microseconds=1))
    place(early, midnight)
    removal.delete_jobs([late.pk], None)
    CountedDay.objects.create(day=date(2026, 3, 9), counted_at=midnight - timedelta(hours=12))
    count_all()
    assert list(DailyFigures.objects.values_list("day", "done")) == [
        (date(2026, 3, 9), 1),
        (date(2026, 3, 10), 1),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_count_a_day_once(user: User, now: list[datetime]) -> None:
    job = complete_all(make_job(user))
    place(job, NOON)
    assert set(at_once(lambda _: figures.refresh(), 4)) <= {True, False}
    count_all()
    assert counted() == {"done": 1}
    assert CountedDay.objects.count() == 1


@pytest.mark.parametrize("model", [DailyFigures, DailyFailures, DailyTimes])
def test_one_row_for_each_key(user: User, now: list[datetime], model: type[Model]) -> None:
    history(user)
    count_all()
    row = model._default_manager.all()[0]
    row.pk = None
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        row.save(force_insert=True)

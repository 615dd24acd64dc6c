"""Each picture is charged once, and refunded once if it produces no result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.errors import QuotaExceededError
from accounts.models import Entry, Plan, Usage, User
from accounts.services import tokens
from jobs.models import Job, Picture, Upload
from jobs.queue.claims import Claim, LeaseLostError
from jobs.services import lines, removal, retry, submit
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_upload
from tests.jobs.factories import bare_uploads, complete, pictures_of, states_of

pytestmark = pytest.mark.django_db
RECIPE = Recipe(model="u2netp")
# The pixels of make_picture's picture.
PIXELS = 64 * 48


def ledger() -> list[tuple[str, int, int, str]]:
    return list(Entry.objects.order_by("id").values_list("kind", "pictures", "pixels", "reason"))


def used(user: User) -> tuple[int, int]:
    return Usage.objects.values_list("pictures", "pixels").get(user=user)


def limit(**limits: int | None) -> None:
    Plan.objects.filter(is_default=True).update(**limits)


def claimed(picture: Picture) -> Claim:
    claim = lines.PICTURES.claim(picture.pk)
    assert claim is not None
    return claim


def test_a_job_is_one_charge_for_its_pictures_and_pixels(user: User) -> None:
    job = make_job(user, 3)
    assert ledger() == [("charge", 3, 3 * PIXELS, "submitted")]
    assert used(user) == (3, 3 * PIXELS)
    assert Entry.objects.get().job == job.pk
    assert all(picture.charged_at is not None for picture in pictures_of(job))


def test_the_ledger_names_the_submitting_token(user: User) -> None:
    token, _ = tokens.create(user, "script", ["submit"])
    job = submit.submit(user, [make_upload(user).pk], RECIPE, token=token)
    submit.again(job, RECIPE, token=token)
    assert [entry.token for entry in Entry.objects.all()] == [token, token]
    tokens.revoke(token)
    token.delete()
    assert Entry.objects.filter(token__isnull=True).count() == 2


def test_refused_uploads_cost_nothing(user: User) -> None:
    ids = [make_upload(user).pk, make_upload(user, "broken.png", b"no picture").pk]
    job = submit.submit(user, ids, RECIPE)
    assert ledger() == [("charge", 1, PIXELS, "submitted")]
    assert [picture.charged_at is None for picture in pictures_of(job)] == [False, True]
    only = submit.submit(user, [make_upload(user, "broken.png", b"no picture").pk], RECIPE)
    assert states_of(only) == ["failed"]
    assert len(ledger()) == 1


def test_a_job_beyond_the_limit_is_not_written(user: User) -> None:
    limit(pictures_month=2)
    uploads = [make_upload(user).pk for _ in range(3)]
    with pytest.raises(QuotaExceededError):
        submit.submit(user, uploads, RECIPE)
    assert not Job.objects.exists()
    assert ledger() == []
    assert set(Upload.objects.values_list("state", flat=True)) == {"uploaded"}
    submit.submit(user, uploads[:2], RECIPE)
    assert used(user) == (2, 2 * PIXELS)


def test_running_a_job_again_is_charged_again(user: User) -> None:
    limit(pictures_month=3)
    job = make_job(user, 2)
    with pytest.raises(QuotaExceededError):
        submit.again(job, RECIPE)
    assert Job.objects.count() == 1
    limit(pictures_month=4)
    submit.again(job, RECIPE)
    assert used(user) == (4, 4 * PIXELS)


def test_done_pictures_stay_charged(user: User) -> None:
    job = make_job(user)
    (picture,) = pictures_of(job)
    complete(picture)
    removal.delete_jobs([job.pk])
    assert used(user) == (1, PIXELS)
    assert ledger() == [("charge", 1, PIXELS, "submitted")]


def test_a_failed_picture_is_refunded_and_a_retry_is_charged_again(user: User) -> None:
    job = make_job(user, 2)
    first, second = pictures_of(job)
    complete(second)
    lines.PICTURES.fail(claimed(first), "internal_error", "It went wrong.")
    assert used(user) == (1, PIXELS)
    assert retry.retry_failed(job) == 1
    assert used(user) == (2, 2 * PIXELS)
    complete(pictures_of(job)[0])
    assert retry.retry_failed(job) == 0
    assert ledger() == [
        ("charge", 2, 2 * PIXELS, "submitted"),
        ("refund", 1, PIXELS, "internal_error"),
        ("charge", 1, PIXELS, "tried again"),
    ]


def test_a_lost_lease_refunds_nothing(user: User) -> None:
    job = make_job(user)
    claim = claimed(pictures_of(job)[0])
    removal.cancel(job)
    with pytest.raises(LeaseLostError):
        lines.PICTURES.fail(claim, "internal_error", "It went wrong.")
    assert ledger() == [("charge", 1, PIXELS, "submitted")]


def test_releasing_and_postponing_cost_nothing_more(user: User) -> None:
    job = make_job(user)
    (picture,) = pictures_of(job)
    lines.PICTURES.postpone(claimed(picture))
    Picture.objects.update(not_before=None)
    lines.PICTURES.give_back(claimed(picture), "internal_error", "It went wrong.")
    assert ledger() == [("charge", 1, PIXELS, "submitted")]


def test_releasing_the_last_attempt_refunds_it(user: User, settings: object) -> None:
    settings.MAX_ATTEMPTS = 1  # type: ignore[attr-defined]
    (picture,) = pictures_of(make_job(user))
    lines.PICTURES.give_back(claimed(picture), "internal_error", "It went wrong.")
    assert ledger()[1:] == [("refund", 1, PIXELS, "internal_error")]
    assert used(user) == (0, 0)


def test_pictures_of_lost_workers_are_refunded_per_job(user: User, settings: object) -> None:
    settings.MAX_ATTEMPTS = 1  # type: ignore[attr-defined]
    jobs = [make_job(user, 2), make_job(user, 1)]
    for job in jobs:
        for picture in pictures_of(job):
            claimed(picture)
    Picture.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert lines.PICTURES.expire() == 3
    assert lines.PICTURES.expire() == 0
    assert sorted(ledger()[2:]) == [
        ("refund", 1, PIXELS, "worker_lost"),
        ("refund", 2, 2 * PIXELS, "worker_lost"),
    ]
    assert used(user) == (0, 0)


def test_pictures_cancelled_before_they_ran_are_refunded_once(user: User) -> None:
    job = make_job(user, 4)
    done, running, *_ = pictures_of(job)
    complete(done)
    claimed(running)
    assert removal.cancel(job) == 3
    assert removal.cancel(job) == 0
    assert ledger()[1:] == [("refund", 2, 2 * PIXELS, "cancelled")]
    # The running pictures keep their charge when cancelled, so a retry does not charge them again.
    assert [picture.charged_at is None for picture in pictures_of(job)] == [False, False, True, True]
    assert retry.retry_failed(job) == 3
    assert ledger()[2:] == [("charge", 2, 2 * PIXELS, "tried again")]
    assert used(user) == (4, 4 * PIXELS)


def test_pictures_deleted_before_they_ran_are_refunded(user: User) -> None:
    job = make_job(user, 3)
    first, second, _ = pictures_of(job)
    complete(first)
    removal.delete_pictures([first.pk, second.pk])
    assert ledger()[1:] == [("refund", 1, PIXELS, "deleted")]
    removal.delete_jobs([job.pk])
    assert ledger()[2:] == [("refund", 1, PIXELS, "deleted")]
    assert used(user) == (1, PIXELS)


def test_deleting_cancelled_pictures_does_not_refund_twice(user: User) -> None:
    job = make_job(user, 2)
    removal.cancel(job)
    removal.delete_jobs([job.pk])
    assert ledger()[1:] == [("refund", 2, 2 * PIXELS, "cancelled")]
    assert used(user) == (0, 0)


def test_a_retry_beyond_the_limit_changes_nothing(user: User) -> None:
    job = make_job(user, 2)
    removal.cancel(job)
    limit(pictures_month=1)
    with pytest.raises(QuotaExceededError):
        retry.retry_failed(job)
    assert states_of(job) == ["cancelled", "cancelled"]
    assert used(user) == (0, 0)
    assert Job.objects.get().state == "cancelled"


def test_the_limit_in_flight_is_exact(user: User, stranger: User) -> None:
    limit(in_flight=3)
    make_job(stranger, 3)
    job = make_job(user, 2)
    with pytest.raises(QuotaExceededError) as caught:
        make_job(user, 2)
    assert (caught.value.code, caught.value.limit, caught.value.used) == ("too_many_in_flight", 3, 2)
    first, second = pictures_of(job)
    claim = claimed(first)
    with pytest.raises(QuotaExceededError):
        make_job(user, 2)
    lines.PICTURES.fail(claim, "broken", "It is broken.")
    make_job(user, 2)
    with pytest.raises(QuotaExceededError):
        retry.retry_failed(job)
    complete(second)
    assert retry.retry_failed(job) == 1


def test_pictures_that_were_not_charged_are_not_refunded(user: User) -> None:
    """Rows from before the ledger existed."""
    job = make_job(user, 2)
    Picture.objects.update(charged_at=None)
    Entry.objects.all().delete()
    first, _ = pictures_of(job)
    lines.PICTURES.fail(claimed(first), "broken", "It is broken.")
    removal.cancel(job)
    assert ledger() == []


def test_pages_show_exhausted_limits(user: User, client_of: Callable[[User], Client]) -> None:
    limit(pictures_month=1)
    browser = client_of(user)
    ids = bare_uploads(user, 2)
    answer = browser.post("/jobs/", {"uploads": ids}, headers={"Accept": "application/json"})
    assert answer.status_code == 429
    assert answer.json()["code"] == "pictures_used_up"
    page = browser.post("/jobs/", {"uploads": ids}, follow=True)
    assert "You may submit 1 pictures a month" in page.content.decode()
    job = make_job(user)
    again = browser.post(f"/jobs/{job.pk}/again/", follow=True)
    assert "You may submit 1 pictures a month" in again.content.decode()
    removal.cancel(job)
    limit(pictures_month=0)
    for address, data in ((f"/jobs/{job.pk}/retry/", {}), ("/jobs/selected/retry/", {"jobs": job.pk})):
        page = browser.post(address, data, follow=True)
        assert "You may submit 0 pictures a month" in page.content.decode(), address
    assert states_of(job) == ["cancelled"]


def test_a_submit_that_fails_later_charges_nothing(user: User) -> None:
    with pytest.raises(Exception, match="not finished"):
        submit.submit(user, [make_upload(user).pk, uuid4()], RECIPE)
    assert ledger() == []

"""Quotas under concurrency: parallel requests on separate connections never exceed a limit."""

from __future__ import annotations

import http.client
import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import transaction
from django.db.models import Sum
from django.test import Client

from accounts.errors import QuotaExceededError
from accounts.models import ApiToken, Entry, Plan, Storage, Usage, User
from accounts.services import quota, tokens
from jobs.models import Job, Picture, Upload
from jobs.services import lines, removal, submit, uploads
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture
from tests.jobs.at_once import at_once
from tests.jobs.factories import bare_uploads, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
RECIPE = Recipe(model="u2netp")


@pytest.fixture(autouse=True)
def _a_plan() -> None:
    """Transactional tests leave the tables empty, including the plan from the migration."""
    Plan.objects.get_or_create(is_default=True, defaults={"name": "Standard"})


def limit(**limits: int | None) -> None:
    Plan.objects.update(**limits)


def kinds(answers: list[Any]) -> Counter[str]:
    return Counter(getattr(answer, "code", type(answer).__name__) for answer in answers)


def used(user: User) -> tuple[int, int]:
    return Usage.objects.values_list("pictures", "pixels").get(user=user)


def adds_up(user: User) -> None:
    """Asserts that the counter equals the ledger's charges minus its refunds."""
    sums = {
        kind: Entry.objects.filter(user=user, kind=kind).aggregate(
            pictures=Sum("pictures", default=0), pixels=Sum("pixels", default=0)
        )
        for kind in ("charge", "refund")
    }
    assert used(user) == tuple(sums["charge"][what] - sums["refund"][what] for what in ("pictures", "pixels"))


@pytest.mark.timeout(300)
def test_exactly_50_of_200_concurrent_requests_are_charged(
    user: User, client_of: Callable[[User], Client], live_server: Any
) -> None:
    """Over HTTP. All 200 connections are open before the first request is sent."""
    limit(pictures_month=50)
    browser = client_of(user)
    browser.get("/")
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    headers = {
        "Cookie": cookies,
        "X-CSRFToken": browser.cookies["csrftoken"].value,
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    ids = bare_uploads(user, 200)
    place = urlsplit(live_server.url).netloc
    connections = [http.client.HTTPConnection(place, timeout=240) for _ in ids]

    def ask(number: int) -> tuple[int, str]:
        connection = connections[number]
        connection.request("POST", "/jobs/", urlencode({"uploads": ids[number]}), headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        return answer.status, said.get("code", "")

    for connection in connections:
        connection.connect()
    answers = Counter(at_once(ask, 200))
    assert answers == {(201, ""): 50, (429, "pictures_used_up"): 150}
    assert used(user) == (50, 50 * 6)
    assert (Entry.objects.filter(kind="charge").count(), Entry.objects.count()) == (50, 50)
    assert Job.objects.count() == Picture.objects.filter(charged_at__isnull=False).count() == 50
    assert Upload.objects.filter(state="submitted").count() == 50
    adds_up(user)


@pytest.mark.timeout(300)
def test_exactly_50_of_200_concurrent_submits_with_a_token_are_charged(user: User) -> None:
    limit(pictures_month=50)
    token, _ = tokens.create(user, "script", ["submit"])
    ids = bare_uploads(user, 200)
    answers = at_once(lambda number: submit.submit(user, [ids[number]], RECIPE, token=token), 200)
    assert kinds(answers) == {"Job": 50, "pictures_used_up": 150}
    assert used(user) == (50, 50 * 6)
    assert Entry.objects.filter(token=token).count() == Entry.objects.count() == 50


def test_concurrent_submits_do_not_exceed_the_megapixels(user: User) -> None:
    limit(megapixels_month=1)
    ids = bare_uploads(user, 40)
    Upload.objects.update(width=300, height=300)
    answers = at_once(lambda number: submit.submit(user, [ids[number]], RECIPE), 40)
    assert kinds(answers) == {"Job": 11, "megapixels_used_up": 29}
    assert used(user) == (11, 990_000)


def test_concurrent_submits_do_not_exceed_the_limit_in_flight(user: User) -> None:
    limit(in_flight=10)
    ids = bare_uploads(user, 60)
    answers = at_once(lambda number: submit.submit(user, ids[2 * number : 2 * number + 2], RECIPE), 30)
    assert kinds(answers) == {"Job": 5, "too_many_in_flight": 25}
    assert Picture.objects.count() == 10


def test_concurrent_users_have_separate_quotas(user: User, stranger: User) -> None:
    limit(pictures_month=10)
    both = [(user, bare_uploads(user, 20)), (stranger, bare_uploads(stranger, 20))]

    def one(number: int) -> Job:
        who, ids = both[number % 2]
        return submit.submit(who, [ids[number // 2]], RECIPE)

    assert kinds(at_once(one, 40)) == {"Job": 20, "pictures_used_up": 20}
    assert used(user)[0] == used(stranger)[0] == 10


def test_concurrent_uploads_do_not_exceed_the_storage(user: User) -> None:
    data = make_picture()
    started = []
    for number in range(12):
        upload = uploads.start(user, f"{number}.png", len(data))
        uploads.receive(upload, io.BytesIO(data), len(data))
        started.append(upload)
    limit(storage_bytes=3 * len(data))
    ended = at_once(lambda number: uploads.finish(started[number]), 12)
    assert Counter(upload.state for upload in ended) == {"uploaded": 3, "refused": 9}
    assert Storage.objects.get(user=user).bytes == 3 * len(data)


def test_concurrent_finishes_of_one_upload_count_once(user: User) -> None:
    data = make_picture()
    upload = uploads.start(user, "disc.png", len(data))
    uploads.receive(upload, io.BytesIO(data), len(data))
    same = [Upload.objects.get(pk=upload.pk) for _ in range(8)]
    ended = at_once(lambda number: uploads.finish(same[number]), 8)
    assert {upload.state for upload in ended} == {"uploaded"}
    assert Storage.objects.get(user=user).bytes == len(data)


def test_concurrent_first_charges_of_a_month_all_count(user: User) -> None:
    def charge(number: int) -> object:
        with transaction.atomic():
            return quota.charge(user, pictures=1, pixels=number, job=Job().pk)

    at_once(charge, 40)
    assert used(user) == (40, sum(range(40)))
    adds_up(user)


def test_concurrent_fail_cancel_and_delete_refund_each_picture_once(user: User) -> None:
    """The order does not matter, and none of the operations deadlocks."""
    for _ in range(4):
        job = make_job(user, 12)
        pictures = pictures_of(job)
        held = [lines.PICTURES.claim(picture.pk) for picture in pictures[:6]]

        def one(number: int, job: Job = job, held: list[Any] = held) -> object:
            if number < 6:
                return lines.PICTURES.fail(held[number], "internal_error", "It went wrong.")
            if number < 10:
                return removal.cancel(job)
            return removal.delete_jobs([job.pk])

        answers = kinds(at_once(one, 12))
        # Cancelling a deleted job raises GoneError.
        assert set(answers) <= {"NoneType", "int", "LeaseLostError", "not_found"}
        charged = Entry.objects.get(job=job.pk, kind="charge").pictures
        refunded = Entry.objects.filter(job=job.pk, kind="refund").aggregate(n=Sum("pictures"))["n"]
        # The six queued pictures are always refunded; of the six running ones, those that failed in time.
        failed = sum(
            Entry.objects.filter(job=job.pk, kind="refund", reason="internal_error").values_list(
                "pictures", flat=True
            )
        )
        assert (charged, refunded) == (12, 6 + failed)
    adds_up(user)
    assert not Job.objects.exists()
    assert Storage.objects.get(user=user).bytes == 0


def test_concurrent_uses_of_a_token_write_last_used_once(user: User) -> None:
    token, secret = tokens.create(user, "script", ["read"])
    opened = at_once(lambda number: tokens.authenticate(secret, f"192.0.2.{number}"), 20)
    assert {one.pk for one in opened} == {token.pk}
    first = ApiToken.objects.get()
    at_once(lambda number: tokens.authenticate(secret, f"198.51.100.{number}"), 20)
    second = ApiToken.objects.get()
    assert first.last_used_from.startswith("192.0.2.")
    assert (second.last_used_at, second.last_used_from) == (first.last_used_at, first.last_used_from)


def test_concurrent_rotations_leave_one_valid_secret(user: User) -> None:
    token, old = tokens.create(user, "script", ["read"])
    same = [ApiToken.objects.get() for _ in range(8)]
    secrets = at_once(lambda number: tokens.rotate(same[number]), 8)
    works = []
    for secret in [old, *secrets]:
        try:
            works.append(tokens.authenticate(secret, "").pk)
        except tokens.TokenRefusedError:
            continue
    assert works == [token.pk]


def test_a_refused_submit_uses_no_quota(user: User) -> None:
    limit(pictures_month=1)
    ids = bare_uploads(user, 2)
    with pytest.raises(QuotaExceededError):
        submit.submit(user, ids, RECIPE)
    assert submit.submit(user, ids[:1], RECIPE).picture_count == 1

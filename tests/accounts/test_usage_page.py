"""The usage page: four meters, and a paginated ledger."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Plan, User
from accounts.services import quota, tokens
from jobs.services import removal
from tests.conftest import make_job

pytestmark = pytest.mark.django_db
PAGE = "/account/usage/"


@pytest.fixture
def browser(user: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(user)


def read(browser: Client, **query: object) -> str:
    answer = browser.get(PAGE, query)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    text = re.sub(r"<[^>]+>", " ", html.unescape(answer.content.decode()))
    return re.sub(r"\s+", " ", text).replace("\xa0", " ")


def charge(user: User, pictures: int, pixels: int = 0, job: UUID | None = None) -> None:
    with transaction.atomic():
        quota.charge(user, pictures=pictures, pixels=pixels, job=job or uuid4())


def test_the_page_without_limits(browser: Client) -> None:
    page = read(browser)
    assert "Your plan is “Standard”." in page
    for words in (
        "Pictures this month 0 , no limit",
        "Megapixels this month 0 , no limit",
        "Storage 0 bytes , no limit",
        "Waiting or running now 0 , no limit",
        "There are no charges yet.",
    ):
        assert words in page
    assert b"<progress" not in browser.get(PAGE).content


def test_what_is_used_and_left(browser: Client, user: User) -> None:
    Plan.objects.update(pictures_month=1_500, megapixels_month=10, storage_bytes=2**30, in_flight=0)
    charge(user, 1_400, 2_500_000)
    quota.grow_storage(user.pk, 2**30)
    page = read(browser)
    assert "Pictures this month Nearly used up 1,400 of 1,500 , 100 left" in page
    assert "Megapixels this month 2.5 of 10 , 7.5 left" in page
    assert "Storage Used up 1.0 GB of 1.0 GB , 0 bytes left" in page
    assert "Waiting or running now Used up 0 of 0 , 0 left" in page
    bars = re.findall(r'<progress max="1000" value="(\d+)"', browser.get(PAGE).content.decode())
    assert bars == ["933", "250", "1000", "1000"]


def test_the_ledger_shows_reason_time_and_token(browser: Client, user: User, stranger: User) -> None:
    token, _ = tokens.create(user, "Nightly", ["submit"])
    job = make_job(user, 2)
    with transaction.atomic():
        quota.charge(user, pictures=3, pixels=1_234_567, job=uuid4(), token=token)
    removal.cancel(job)
    charge(stranger, 77)
    page = read(browser)
    assert "Refund: cancelled −2 0.0 Submitted 3 1.2 Nightly" in re.sub(r" \d+ Nov 2026, \d\d:\d\d", "", page)
    assert "Submitted 3 1.2 Nightly" in page
    assert "Submitted 2 0.0 you" in page
    assert page.index("Refund: cancelled") < page.index("Submitted 3") < page.index("Submitted 2")
    assert "77" not in page
    # Only a job that still exists is linked.
    links = browser.get(PAGE).content.decode().count(f'href="/jobs/{job.pk}/"')
    assert links == 2
    removal.delete_jobs([job.pk])
    assert f"/jobs/{job.pk}/" not in browser.get(PAGE).content.decode()
    assert "Refund: cancelled" in read(browser)


def test_the_ledger_page_by_page(browser: Client, user: User) -> None:
    for number in range(1, 121):
        charge(user, number)
    seen: list[int] = []
    query: dict[str, object] = {}
    for _ in range(3):
        page = browser.get(PAGE, query).content.decode()
        seen += [int(number) for number in re.findall(r'<td class="number">(\d+)</td>', page)]
        older = re.search(r'href="\?older=(\d+)"', page)
        query = {"older": older[1]} if older else {}
    assert seen == list(range(120, 0, -1))
    assert not query


@pytest.mark.parametrize("older", ["x", "-1", "9" * 30, "'; --", "0"])
def test_an_invalid_page_is_the_first_one(browser: Client, user: User, older: str) -> None:
    charge(user, 1)
    read(browser, older=older)


def test_the_page_needs_a_constant_number_of_queries(
    browser: Client, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(60):
        charge(user, 1)
    make_job(user, 3)
    with django_assert_max_num_queries(11):
        browser.get(PAGE)

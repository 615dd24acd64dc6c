"""The dashboard of satisfaction in the admin, and its CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import redis
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from jobs import clock
from jobs.models import DailyFailures, DailyFigures, DailyTimes
from jobs.queue import workers
from jobs.selectors import satisfaction
from jobs.statistics import bucket_of
from tests.conftest import make_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
SignIn = Callable[[User], Client]
PAGE = "admin:jobs_dailyfigures_changelist"
EXPORT = "admin:jobs_dailyfigures_export"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = NOON.date()


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


@pytest.fixture
def staff(make_user: Callable[..., User]) -> User:
    found = make_user(is_staff=True)
    found.user_permissions.add(Permission.objects.get(codename="view_satisfaction"))
    return found


def figures(day: date, model: str = "u2net", origin: str = "web", **counts: int) -> None:
    DailyFigures.objects.create(day=day, model=model, refinement="fast", origin=origin, **counts)


def history() -> None:
    figures(TODAY, done=60, as_is=40, corrected=6, redone=3, refused=1, up=9, down=1, failed=4)
    figures(TODAY, model="u2netp", origin="api", done=40, as_is=20)
    figures(TODAY - timedelta(days=7), model="=1+1", done=10, as_is=9, up=0, down=2)
    figures(TODAY - timedelta(days=40), done=1000)
    DailyFailures.objects.create(day=TODAY, code="worker_lost", count=4)
    for bucket, count in ((bucket_of(1.0), 90), (bucket_of(8.0), 10)):
        DailyTimes.objects.create(day=TODAY, lane="batch", kind="waiting", bucket=bucket, count=count)


def test_the_report_of_a_period() -> None:
    history()
    report = satisfaction.report(satisfaction.since_of(TODAY, 30), TODAY)
    shares = {share.measure.name: (share.count, share.of) for share in report.total.shares}
    assert shares == {
        "up": (9, 12),
        "as_is": (69, 110),
        "corrected": (6, 110),
        "redone": (3, 110),
        "refused": (1, 110),
        "failed": (4, 114),
    }
    up = report.total.shares[0].interval
    assert up is not None
    # By hand: (0.75 + 3.8415 / 24 ± 1.96 × √(0.1875 / 12 + 3.8415 / 576)) / (1 + 3.8415 / 12)
    assert (round(up.low, 3), round(up.high, 3)) == (0.468, 0.911)
    assert [(row.label, row.counts["done"]) for row in report.by_model] == [
        ("=1+1", 10),
        ("u2net", 60),
        ("u2netp", 40),
    ]
    assert [(row.label, row.counts["done"]) for row in report.by_origin] == [("api", 40), ("web", 70)]
    assert [(row.label, row.counts["done"]) for row in report.by_week] == [
        ("2026-03-02", 10),
        ("2026-03-09", 100),
    ]
    assert report.failures == [("worker_lost", 4)]
    (times,) = report.times
    assert (times.kind, times.lane, times.count) == ("waiting", "batch", 100)
    assert times.median == pytest.approx(1.0, rel=0.05)
    assert times.p95 == pytest.approx(8.0, rel=0.05)


def test_rare_error_codes_are_summed() -> None:
    for number in range(4):
        DailyFailures.objects.create(day=TODAY, code=f"code_{number}", count=4 - number)
    assert satisfaction.failures(TODAY, TODAY, 2) == [("code_0", 4), ("code_1", 3), ("other", 3)]


def test_the_page_shows_shares_queue_and_workers(
    staff: User, user: User, client_of: SignIn, valkey: redis.Redis
) -> None:
    history()
    make_job(user, 2)
    workers.report("u2net on openvino")
    page = client_of(staff).get(reverse(PAGE)).content.decode()
    assert '<span class="satisfaction__share satisfaction__share--large">75 %</span>' in page
    assert "(47–91 %)" in page
    assert "9 of 12" in page
    assert "u2net on openvino" in page
    assert "<code>worker_lost</code></th><td>4</td>" in page
    assert '<th scope="row">pictures</th><td>interactive</td><td>2</td><td>0</td>' in page
    longer = client_of(staff).get(reverse(PAGE), {"days": "90"}).content.decode()
    assert "1110 results" in longer
    assert client_of(staff).get(reverse(PAGE), {"days": "8"}).content.decode().count("110 results") == 1


def test_an_empty_site_has_a_page(staff: User, client_of: SignIn) -> None:
    page = client_of(staff).get(reverse(PAGE))
    assert page.status_code == 200
    assert "Nothing was counted yet" in page.content.decode()


def test_queries_do_not_grow_with_the_figures(staff: User, client_of: SignIn) -> None:
    client = client_of(staff)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(PAGE), {"days": "365"}).status_code == 200
        return len(captured)

    queries()
    few = queries()
    for number in range(300):
        figures(TODAY - timedelta(days=number), model=f"m{number % 4}", done=5, as_is=3)
        DailyFailures.objects.create(day=TODAY - timedelta(days=number), code="broken", count=1)
    assert queries() == few
    assert few <= 16


def read_csv(user: User, days: int) -> list[list[str]]:
    client = AsyncClient()
    async_to_sync(client.aforce_login)(user, "accounts.backends.AuthenticationBackend")

    async def fetch() -> bytes:
        answer = await client.get(reverse(EXPORT), {"days": str(days)})
        assert (answer.status_code, answer.headers.get("Location")) == (200, None)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        return b"".join([part async for part in answer.streaming_content])

    return list(csv.reader(io.StringIO(async_to_sync(fetch)().decode())))


@pytest.mark.django_db(transaction=True)
def test_the_csv_is_exact(staff: User) -> None:
    history()
    head, *rows = read_csv(staff, 7)
    counts = "done as_is corrected redone refused up down failed"
    assert " ".join(head[:12]) == f"day model refinement origin {counts}"
    assert head[12:15] == ["up_share", "up_low", "up_high"]
    assert [" ".join(row) for row in rows] == [
        # The intervals are the roots of (share − x)² = 1.96² · x · (1 − x) / number.
        "2026-03-10 u2net fast web 60 40 6 3 1 9 1 4 0.9000 0.5958 0.9821 0.6667 0.5406 0.7727 0.1000 0.0466 "
        "0.2015 0.0500 0.0171 0.1370 0.0167 0.0029 0.0886 0.0625 0.0246 0.1500",
        "2026-03-10 u2netp fast api 40 20 0 0 0 0 0 0    0.5000 0.3520 0.6480" + 4 * " 0.0000 0.0000 0.0876",
    ]
    assert read_csv(staff, 30)[1][1] == "'=1+1", "a spreadsheet must not compute it"


def test_who_may_see_it(staff: User, user: User, make_user: Callable[..., User], client_of: SignIn) -> None:
    clerk = make_user(is_staff=True)
    for name in (PAGE, EXPORT):
        assert client_of(clerk).get(reverse(name)).status_code == 403
        assert client_of(user).get(reverse(name)).status_code == 302
        assert Client().get(reverse(name)).status_code == 302
        assert client_of(staff).get(reverse(name)).status_code == 200
    assert reverse(PAGE) not in client_of(clerk).get(reverse("admin:index")).content.decode()
    assert reverse(PAGE) in client_of(staff).get(reverse("admin:index")).content.decode()

"""Searching the history by name, state, origin and days; cursors keep the filters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job, Picture
from jobs.services import search_index, tags
from tests.jobs.factories import bare_job, pictures_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def jobs(user: User, stranger: User) -> dict[str, Job]:
    made = {
        name: bare_job(user, count, title=name) for name, count in (("Shoes", 2), ("Bags", 3), ("Hats", 1))
    }
    for name, tag in (("Shoes", "Spring"), ("Bags", "Autumn"), ("Hats", "spring")):
        tags.add(made[name], tag)
    tags.add(bare_job(stranger, title="Not mine"), "Summer")
    Job.objects.filter(pk=made["Bags"].pk).update(recipe={**made["Bags"].recipe, "model": "u2net"})
    Job.objects.filter(pk=made["Shoes"].pk).update(created_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    Job.objects.filter(pk=made["Bags"].pk).update(
        created_at=datetime(2026, 3, 2, 23, 59, tzinfo=UTC), origin="api"
    )
    Job.objects.filter(pk=made["Hats"].pk).update(
        created_at=datetime(2026, 3, 3, 0, 0, tzinfo=UTC), state="finished", finished_at=datetime.now(UTC)
    )
    picture = pictures_of(made["Hats"])[0]
    Picture.objects.filter(pk=picture.pk).update(
        name="Straw-100%.jpg",
        state="failed",
        error_code="broken_picture",
        error_sentence="It is broken.",
        finished_at=datetime.now(UTC),
    )
    search_index.note_again([picture.job_id])
    bare_job(stranger, title="Shoes of somebody else")
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Hats", "Bags", "Shoes"]),
        ("q=sHoE", ["Shoes"]),
        ("q=straw-100%25", ["Hats"]),
        ("q=straw_100", []),
        ("state=active", ["Bags", "Shoes"]),
        ("state=failures", ["Hats"]),
        ("origin=api", ["Bags"]),
        ("model=u2net", ["Bags"]),
        ("model=u2netp", ["Hats", "Shoes"]),
        ("tag=Spring", ["Hats", "Shoes"]),
        ("tag=Autumn", ["Bags"]),
        ("tag=Spring&sort=oldest", ["Shoes", "Hats"]),
        ("sort=oldest", ["Shoes", "Bags", "Hats"]),
        ("sort=name", ["Bags", "Hats", "Shoes"]),
        ("sort=pictures", ["Bags", "Shoes", "Hats"]),
        ("q=PICTURE-0&sort=name", ["Bags", "Shoes"]),
        ("since=2026-03-02", ["Hats", "Bags"]),
        ("until=2026-03-02", ["Bags", "Shoes"]),
        ("until=9999-12-31", ["Hats", "Bags", "Shoes"]),
        ("since=0001-01-01&until=0001-01-01", []),
        ("since=2026-03-02&until=2026-03-02&state=active&origin=api&q=bag", ["Bags"]),
    ],
)
def test_only_matching_jobs_are_shown(
    query: str, expected: list[str], jobs: dict[str, Job], user: User, client_of: Callable[[User], Client]
) -> None:
    answer = client_of(user).get(f"/jobs/?{query}")
    assert [job.title for job in answer.context["jobs"]] == expected


@pytest.mark.parametrize(
    "query",
    [
        "state=nonsense",
        "since=yesterday",
        "sort=x",
        "tag=Summer",
        "model=x",
        "since=2026-03-02&until=2026-03-01",
    ],
)
def test_invalid_filters_are_reported_and_ignored(
    query: str, jobs: dict[str, Job], user: User, client_of: Callable[[User], Client]
) -> None:
    answer = client_of(user).get(f"/jobs/?{query}")
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert len(answer.context["jobs"]) == 3


def test_later_pages_keep_the_filters(user: User, client_of: Callable[[User], Client]) -> None:
    for number in range(30):
        bare_job(user, title=f"Shoes {number}")
        bare_job(user, title=f"Bags {number}")
    client = client_of(user)

    first = client.get("/jobs/?q=shoes&state=active")
    assert "&amp;q=shoes&amp;state=active" in first.content.decode()
    second = client.get(f"/jobs/?q=shoes&older={first.context['older']}")

    assert len(first.context["jobs"]) == 25
    assert [job.title for job in second.context["jobs"]] == [f"Shoes {n}" for n in (4, 3, 2, 1, 0)]


def test_no_matches(user: User, client_of: Callable[[User], Client]) -> None:
    bare_job(user)
    answer = client_of(user).get("/jobs/?q=nothing-like-this")
    assert "No jobs match." in answer.content.decode()


def test_models_are_named_as_in_the_studio(user: User, client_of: Callable[[User], Client]) -> None:
    page = client_of(user).get("/jobs/?state=finished").content.decode()
    assert '<option value="u2netp">U²-Net small</option>' in page
    assert '<option value="u2net">U²-Net</option>' in page

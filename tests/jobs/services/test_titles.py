"""Generated titles stay correct after deletions and for further runs."""

from __future__ import annotations

import pytest

from accounts.models import User
from jobs.models import Job, Picture, Receipt
from jobs.services import removal, submit, titles
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_upload
from tests.jobs.factories import bare_job, pictures_of

pytestmark = pytest.mark.django_db
RECIPE = Recipe(model="u2netp")


def title_of(job: Job) -> str:
    return Job.objects.values_list("title", flat=True).get(pk=job.pk)


def test_a_deletion_updates_the_generated_title(user: User) -> None:
    job = make_job(user, 4)
    assert job.title == "disc-0.png and 3 more"
    first, second, third, fourth = pictures_of(job)
    removal.delete_pictures([third.pk])
    assert title_of(job) == "disc-0.png and 2 more"
    removal.delete_pictures([first.pk])
    assert title_of(job) == "disc-1.png and 1 more"
    removal.delete_pictures([fourth.pk])
    assert title_of(job) == second.name


def test_a_deletion_in_several_jobs_keeps_the_users_own_titles(user: User) -> None:
    derived, own = make_job(user, 3), make_job(user, 3)
    Job.objects.filter(pk=own.pk).update(title="Tom and 3 more")
    removal.delete_pictures([pictures_of(derived)[0].pk, pictures_of(own)[0].pk])
    assert (title_of(derived), title_of(own)) == ("disc-1.png and 1 more", "Tom and 3 more")


def test_runs_are_numbered(user: User) -> None:
    job = make_job(user, 2)
    second = submit.again(job, RECIPE)
    third = submit.again(job, RECIPE)
    fourth = submit.again(second, RECIPE)
    assert [run.title for run in (second, third, fourth)] == [
        f"disc-0.png and 1 more ({number})" for number in (2, 3, 4)
    ]
    removal.delete_pictures([pictures_of(third)[1].pk])
    assert title_of(third) == "disc-0.png (3)"


def test_the_title_of_a_second_run_counts_its_own_pictures(user: User) -> None:
    good = [make_upload(user, f"{name}.png").pk for name in "ab"]
    bad = make_upload(user, "broken.png", b"no picture").pk
    job = submit.submit(user, [*good, bad], RECIPE)
    assert job.title == "a.png and 2 more"
    assert submit.again(job, RECIPE).title == "a.png and 1 more (2)"


@pytest.mark.parametrize(
    ("title", "following"),
    [
        ("Summer", "Summer (2)"),
        ("Summer (2)", "Summer (3)"),
        ("Summer (2024)", "Summer (2024) (2)"),
        ("x" * 255, "x" * 251 + " (2)"),
    ],
)
def test_the_next_run_gets_the_next_number(user: User, title: str, following: str) -> None:
    assert titles.of_next_run(bare_job(user, title=title), ["a.png"]) == following


def test_a_receipt_of_pictures_and_one_of_a_job(user: User) -> None:
    job = make_job(user, 3)
    first, second, third = pictures_of(job)
    removal.delete_pictures([first.pk])
    removal.delete_pictures([second.pk, third.pk])
    facts = Receipt.objects.order_by("pk").values_list("title", "picture_count", "whole", "reason", "job")
    assert list(facts) == [
        ("disc-0.png", 1, False, "owner", job.pk),
        ("disc-1.png and 1 more", 2, True, "owner", job.pk),
    ]
    assert not Picture.objects.exists()

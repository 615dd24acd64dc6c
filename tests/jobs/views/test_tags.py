"""Tags on the job page: add and remove. A tag disappears with its last job, and each user has their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from jobs.errors import GoneError, TagRefusedError
from jobs.models import Job, Tag
from jobs.services import removal, tags
from tests.jobs.at_once import at_once
from tests.jobs.factories import bare_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(user: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(user)


def said(answer: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def names_of(job: Job) -> list[str]:
    return [tag.name for tag in job.tags.all()]


def test_add_and_remove(user: User, client: Client) -> None:
    job = bare_job(user)
    answer = client.post(f"/jobs/{job.pk}/tags/", {"name": "  Spring\t sale\u202e \n"})
    assert answer["Location"] == f"/jobs/{job.pk}/#tags"
    assert names_of(job) == ["Spring sale"]
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert 'href="/jobs/?tag=Spring%20sale"' in page
    client.post(f"/jobs/{job.pk}/tags/remove/", {"name": "Spring sale"})
    client.post(f"/jobs/{job.pk}/tags/remove/", {"name": "Spring sale"})
    assert names_of(job) == []
    assert not Tag.objects.exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "A tag needs at least one letter."),
        (" \u200b\n", "A tag needs at least one letter."),
        ("x" * 41, "A tag has at most 40 letters. Shorten it."),
    ],
)
def test_invalid_tags_get_a_message(name: str, sentence: str, user: User, client: Client) -> None:
    job = bare_job(user)
    assert said(client.post(f"/jobs/{job.pk}/tags/", {"name": name})) == [sentence]
    assert names_of(job) == []


def test_tags_ignore_case(user: User, stranger: User) -> None:
    first, second, foreign = bare_job(user), bare_job(user), bare_job(stranger)
    tag = tags.add(first, "Spring")
    assert tags.add(second, "SPRING") == tag
    assert tags.add(first, "spring") == tag
    assert tags.add(foreign, "spring") != tag
    assert names_of(second) == ["Spring"]
    assert first.tags.count() == 1


@pytest.mark.parametrize(
    ("first", "then"), [("Ärger", "ärger"), ("ä", "Ä"), ("Straße", "STRASSE"), ("ΣΊΣΥΦΟΣ", "σίσυφος")]
)
def test_case_is_ignored_in_every_script(first: str, then: str, user: User, client: Client) -> None:
    job, other = bare_job(user), bare_job(user)
    client.post(f"/jobs/{job.pk}/tags/", {"name": first})
    client.post(f"/jobs/{job.pk}/tags/", {"name": then})
    client.post(f"/jobs/{other.pk}/tags/", {"name": then})
    assert (names_of(job), names_of(other)) == ([first], [first])
    tags.replace(job, [then])
    assert names_of(job) == [first]
    assert Tag.objects.count() == 1


def test_replace_all_tags(user: User) -> None:
    job, other = bare_job(user), bare_job(user)
    tags.add(other, "blue")
    tags.replace(job, ["red", " Blue", "RED"])
    assert names_of(job) == ["blue", "red"]
    tags.replace(job, ["Red", "green"])
    assert names_of(job) == ["green", "red"]
    tags.replace(job, [])
    assert (names_of(job), names_of(other)) == ([], ["blue"])
    assert [tag.name for tag in Tag.objects.all()] == ["blue"]


def test_of_equal_tags_the_first_spelling_stays(user: User) -> None:
    job = bare_job(user)
    job.tags.add(*(Tag.objects.create(user=user, name=name) for name in ("straße", "strasse", "red")))
    tags.replace(job, ["Red", "STRASSE"])
    assert names_of(job) == ["red", "straße"]


def test_refused_tags_change_nothing(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job, other = bare_job(user), bare_job(user)
    tags.replace(job, ["blue", "red"])
    monkeypatch.setattr(tags, "TAGS_A_USER", 3)
    tags.add(other, "theirs")
    before = list(Tag.objects.values_list("pk", "name"))
    for wanted, code in (
        (["new", "\u200b"], "tag_empty"),
        (["new", "x" * 41], "tag_too_long"),
        ([str(number) for number in range(21)], "too_many_tags"),
        (["1", "2", "3"], "too_many_tags"),
    ):
        with pytest.raises(TagRefusedError) as refused:
            tags.replace(job, wanted)
        assert refused.value.code == code
        assert list(Tag.objects.values_list("pk", "name")) == before
        assert names_of(job) == ["blue", "red"]
    tags.replace(job, ["1", "2"])
    assert names_of(job) == ["1", "2"]


def test_concurrent_replacements_leave_one_complete_set(user: User) -> None:
    job = bare_job(user)
    tags.replace(job, ["blue", "red"])
    assert at_once(lambda number: tags.replace(job, [f"tag {number}"]), 8) == [None] * 8
    assert len(names_of(job)) == 1
    assert [tag.name for tag in Tag.objects.all()] == names_of(job)


def test_a_job_that_was_deleted_meanwhile_gets_no_tags(user: User) -> None:
    job = bare_job(user)
    removal.delete_jobs([job.pk])
    with pytest.raises(GoneError):
        tags.replace(job, ["late"])
    assert not Tag.objects.exists()


def test_a_tag_is_deleted_with_its_last_job(user: User) -> None:
    first, second = bare_job(user), bare_job(user)
    for job in (first, second):
        tags.add(job, "Spring")
    removal.delete_jobs([first.pk])
    assert names_of(second) == ["Spring"]
    removal.delete_jobs([second.pk])
    assert not Tag.objects.exists()


def test_the_number_of_tags_is_limited(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = bare_job(user)
    for number in range(tags.TAGS_A_JOB):
        tags.add(job, f"tag {number}")
    tags.add(job, "tag 0")
    with pytest.raises(TagRefusedError, match="A job has at most 20 tags"):
        tags.add(job, "one more")
    monkeypatch.setattr(tags, "TAGS_A_USER", 20)
    with pytest.raises(TagRefusedError, match="You have 20 tags"):
        tags.add(bare_job(user), "one more")
    assert Tag.objects.count() == 20


def test_the_page_suggests_only_ones_own_tags(user: User, stranger: User, client: Client) -> None:
    job = bare_job(user)
    tags.add(bare_job(user), "Mine & yours")
    tags.add(bare_job(stranger), "Secret")
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert '<option value="Mine &amp; yours">' in page
    assert "Secret" not in page
    assert "Secret" not in client.get("/jobs/").content.decode()

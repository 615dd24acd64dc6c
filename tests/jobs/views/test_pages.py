"""The studio, the history, the job page, its cards and its buttons."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from jobs.models import Job, Picture
from jobs.services import lines, removal, retry, submit, uploads
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture
from tests.jobs.factories import bare_job, complete, complete_all, pictures_of, states_of, stored_files

pytestmark = pytest.mark.django_db
MARKUP = "\"><img src=x onerror=alert(1)>&amp;'.png"


@pytest.fixture
def client(user: User, client_of: Any) -> Client:
    signed_in: Client = client_of(user)
    return signed_in


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def cards_in(response: Any) -> list[tuple[str, str]]:
    """The id and state of every card."""
    return re.findall(
        r'<article class="card" id="picture-([0-9a-f-]{36})" data-state="(\w+)"', text_of(response)
    )


def fail(picture: Picture) -> None:
    claim = lines.PICTURES.claim(picture.pk)
    assert claim is not None
    lines.PICTURES.fail(claim, "broken", "It is broken.")


def test_the_studio_shows_the_newest_jobs(client: Client, user: User, stranger: User) -> None:
    assert client.get("/").context["recent_jobs"] == []
    jobs = [bare_job(user, title=f"job {number}") for number in range(4)]
    bare_job(stranger, title="theirs")
    page = client.get("/")
    assert (page.status_code, page.context["recent_jobs"]) == (200, [jobs[3], jobs[2], jobs[1]])
    assert 'enctype="multipart/form-data"' in text_of(page)


def test_history_has_pages(client: Client, user: User) -> None:
    for number in range(30):
        bare_job(user, title=f"job {number}")
    first = client.get("/jobs/")
    assert [job.title for job in first.context["jobs"]] == [f"job {number}" for number in range(29, 4, -1)]
    assert first.context["newer"] == ""
    second = client.get("/jobs/", {"older": first.context["older"]})
    assert [job.title for job in second.context["jobs"]] == [f"job {number}" for number in range(4, -1, -1)]
    assert second.context["older"] == ""
    again = client.get("/jobs/", {"newer": second.context["newer"]})
    assert again.context["jobs"] == first.context["jobs"]


def test_the_history_supports_head(client: Client) -> None:
    answer = client.head("/jobs/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "query", ["older=x", "newer=x", "older=%00", "older=%F0%9F%90%88", "older=" + "A" * 9000]
)
def test_an_invalid_cursor_redirects_to_the_first_page(client: Client, query: str) -> None:
    response = client.get(f"/jobs/?{query}")
    assert (response.status_code, response["Location"]) == (302, "/jobs/")


def test_history_queries_do_not_grow_with_jobs(
    client: Client, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for jobs in (2, 23):
        for _ in range(jobs):
            bare_job(user, 4)
        with django_assert_num_queries(7):
            assert client.get("/jobs/").status_code == 200


def test_a_jobs_page_shows_its_pictures(client: Client, user: User) -> None:
    job = make_job(user, 2)
    done, failed = pictures_of(job)
    complete(done)
    fail(failed)
    page = client.get(f"/jobs/{job.pk}/")
    assert cards_in(page) == [(str(done.pk), "done"), (str(failed.pk), "failed")]
    assert page.context["counts"] == {"queued": 0, "running": 0, "done": 1, "failed": 1, "cancelled": 0}
    assert page.context["estimate"] is None
    assert f"/pictures/{done.pk}/result/" in text_of(page)
    assert f"/pictures/{failed.pk}/result/" not in text_of(page)
    assert "It is broken." in text_of(page)


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("0", 0),
        ("60", 60),
        ("", 0),
        ("-5", 0),
        ("x", 0),
        ("1e3", 0),
        ("²", 0),
        ("٣", 0),
        ("9" * 9, None),
        ("9" * 25, 0),
        ("9" * 5000, 0),
    ],
)
def test_a_job_page_starts_at_the_given_position(
    client: Client, user: User, start: str, first: int | None
) -> None:
    page = client.get(f"/jobs/{bare_job(user, 61).pk}/", {"from": start})
    assert page.status_code == 200
    assert next((picture.position for picture in page.context["pictures"]), None) == first


def test_job_page_queries_do_not_grow_with_pictures(
    client: Client, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (2, 50):
        job = complete_all(bare_job(user, count))
        with django_assert_num_queries(8):
            assert len(cards_in(client.get(f"/jobs/{job.pk}/"))) == count


def test_cards_of_the_requested_ids(client: Client, user: User, stranger: User) -> None:
    job = bare_job(user, 3)
    first, _, third = pictures_of(job)
    foreign = pictures_of(bare_job(stranger))[0]
    response = client.get(f"/jobs/{job.pk}/cards/", {"ids": f"{third.pk},{foreign.pk},{first.pk},{uuid4()}"})
    assert cards_in(response) == [(str(first.pk), "queued"), (str(third.pk), "queued")]
    assert response["X-Job-State"] == "active"
    assert response["Cache-Control"] == "no-store"
    assert "<html" not in text_of(response)


def test_cards_without_ids_are_the_first_page(client: Client, user: User) -> None:
    job = complete_all(bare_job(user, 61))
    response = client.get(f"/jobs/{job.pk}/cards/")
    assert [pk for pk, _ in cards_in(response)] == [str(picture.pk) for picture in pictures_of(job)[:60]]
    assert response["X-Job-State"] == "finished"


@pytest.mark.parametrize("ids", ["x", "1,2", "'; DROP TABLE jobs_job; --", "\0"])
def test_cards_of_an_invalid_id_are_a_bad_request(client: Client, user: User, ids: str) -> None:
    assert client.get(f"/jobs/{bare_job(user).pk}/cards/", {"ids": ids}).status_code == 400


def test_a_long_list_of_ids_is_cut(
    client: Client, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = bare_job(user, 120)
    ids = ",".join(str(picture.pk) for picture in pictures_of(job)) + ",x" * 5000
    with django_assert_num_queries(6):
        assert len(cards_in(client.get(f"/jobs/{job.pk}/cards/", {"ids": ids}))) == 100


def test_names_are_escaped(client: Client, user: User) -> None:
    content = make_picture()
    upload = uploads.take_in(user, MARKUP, ContentFile(content), len(content))
    job = submit.submit(user, [upload.pk], Recipe(model="u2netp"))
    complete_all(job)
    for address in ("/", "/jobs/", f"/jobs/{job.pk}/", f"/jobs/{job.pk}/cards/"):
        text = text_of(client.get(address))
        assert "<img src=x" not in text, address
        assert "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;amp;&#x27;.png" in text, address
    deleted = client.post(f"/jobs/{job.pk}/delete/", follow=True)
    assert "<img src=x" not in text_of(deleted)


def test_pages_forbid_foreign_scripts_frames_and_sniffing(client: Client, user: User) -> None:
    page = client.get(f"/jobs/{bare_job(user).pk}/")
    policy = page["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "unsafe" not in policy
    for rule in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"):
        assert rule in policy
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["X-Frame-Options"] == "DENY"
    assert page["Referrer-Policy"] == "same-origin"


def test_personal_pages_are_not_cached(client: Client, user: User) -> None:
    for address in ("/", "/jobs/", f"/jobs/{bare_job(user).pk}/"):
        assert set(client.get(address)["Cache-Control"].split(", ")) == {"private", "no-store"}, address


def test_failed_pictures_are_retried(client: Client, user: User) -> None:
    job = bare_job(user, 2)
    first, second = pictures_of(job)
    fail(first)
    complete(second)
    response = client.post(f"/jobs/{job.pk}/retry/", follow=True)
    assert response.redirect_chain == [(f"/jobs/{job.pk}/", 302)]
    assert "Retrying 1 picture." in text_of(response)
    assert states_of(job) == ["queued", "done"]
    assert "There is nothing to retry." in text_of(client.post(f"/jobs/{job.pk}/retry/", follow=True))


def test_a_job_is_cancelled(client: Client, user: User) -> None:
    job = bare_job(user, 3)
    complete(pictures_of(job)[0])
    response = client.post(f"/jobs/{job.pk}/cancel/", follow=True)
    assert response.redirect_chain == [(f"/jobs/{job.pk}/", 302)]
    assert "Cancelled: 2 pictures." in text_of(response)
    assert states_of(job) == ["done", "cancelled", "cancelled"]
    assert "Nothing to cancel: the job has already ended." in text_of(
        client.post(f"/jobs/{job.pk}/cancel/", follow=True)
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_job_is_deleted_with_its_files(client: Client, user: User) -> None:
    job = complete_all(make_job(user))
    response = client.post(f"/jobs/{job.pk}/delete/", follow=True)
    assert response.redirect_chain == [("/jobs/", 302)]
    assert "“disc-0.png” and its files were deleted." in text_of(response)
    assert not Job.objects.exists()
    assert stored_files() == []
    assert client.post(f"/jobs/{job.pk}/delete/").status_code == 404


def test_a_picture_is_deleted_after_confirmation(client: Client, user: User) -> None:
    job = complete_all(make_job(user, 2))
    first, second = pictures_of(job)
    address = f"/pictures/{first.pk}/delete/"
    assert f'href="{address}"' in client.get(job.get_absolute_url()).content.decode()
    for answer in (client.get(address), client.post(address)):
        assert "This cannot be undone." in answer.content.decode()
    assert Picture.objects.count() == 2

    gone = client.post(address, {"sure": "yes"}, follow=True)
    assert gone.redirect_chain == [(job.get_absolute_url(), 302)]
    assert "and its files were deleted" in gone.content.decode()
    assert pictures_of(job) == [second]

    last = client.post(
        f"/pictures/{second.pk}/delete/", {"sure": "yes"}, headers={"accept": "application/json"}
    )
    assert last.json() == {"left": 0}
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("code", "offered"),
    [("internal_error", True), ("worker_lost", True), ("broken_picture", False), ("too_many_pixels", False)],
)
def test_retry_is_offered_for_retryable_failures(
    client: Client, user: User, code: str, offered: bool
) -> None:
    job = make_job(user)
    claim = lines.PICTURES.claim(pictures_of(job)[0].pk)
    assert claim is not None
    lines.PICTURES.fail(claim, code, "It did not work.")
    assert ("Retry failed" in client.get(job.get_absolute_url()).content.decode()) is offered
    assert retry.retry_failed(job) == offered


def test_cancelled_pictures_can_be_retried(client: Client, user: User) -> None:
    job = make_job(user)
    removal.cancel(job)
    assert "Retry cancelled" in client.get(job.get_absolute_url()).content.decode()


def test_failed_and_cancelled_pictures_are_retried_separately(client: Client, user: User) -> None:
    job = make_job(user, 4)
    done, failed, *_ = pictures_of(job)
    complete(done)
    claim = lines.PICTURES.claim(failed.pk)
    assert claim is not None
    lines.PICTURES.fail(claim, "internal_error", "It did not work.")
    removal.cancel(job)
    page = client.get(job.get_absolute_url())
    text = text_of(page)
    assert page.context["retryable"] == {"failed": 1, "cancelled": 2}
    for words in ("1 done", "1 failed", "2 cancelled", "Retry failed", "Retry cancelled"):
        assert words in text, words
    client.post(f"/jobs/{job.pk}/retry/", {"state": "failed"})
    assert states_of(job) == ["done", "queued", "cancelled", "cancelled"]
    client.post(f"/jobs/{job.pk}/cancel/")
    client.post(f"/jobs/{job.pk}/retry/", {"state": "cancelled"})
    assert states_of(job) == ["done", "queued", "queued", "queued"]


def test_failures_and_names_are_found_in_a_job_and_in_the_history(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.selectors.PICTURES_PER_PAGE", 2)
    bare_job(user, title="all well")
    job = bare_job(user, 9)
    Picture.objects.filter(job=job).update(name="Ärmel.png")
    Picture.objects.filter(job=job, position__in=[1, 3, 4, 7, 8]).update(
        state="failed", error_code="x", error_sentence="X.", finished_at=timezone.now(), name="a.png"
    )

    def places(query: str) -> tuple[list[int], str, str]:
        context = client.get(f"{job.get_absolute_url()}?{query}").context
        return [picture.position for picture in context["pictures"]], context["newer"], context["older"]

    assert places("state=failed") == ([1, 3], "", "4")
    assert places("state=failed&from=4") == ([4, 7], "1", "8")
    assert places("state=failed&from=8") == ([8], "4", "")
    assert places("q=%C3%A4rmel") == ([0, 2], "", "3")
    assert places("q=A.PNG&state=failed") == ([1, 3], "", "4")
    assert places("q=nothing.like.it") == ([], "", "")
    assert places("state=nonsense") == ([0, 1], "", "2")
    page = client.get(f"{job.get_absolute_url()}?state=failed&q=a.png").content.decode()
    assert 'href="?state=failed&amp;q=a.png&amp;from=4"' in page
    for state in ("failed", "failures"):
        assert [found.pk for found in client.get(f"/jobs/?state={state}").context["jobs"]] == [job.pk]


def test_the_favicon_has_its_traditional_url(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, "/static/img/mark.svg")
    assert answer["Cache-Control"] == "public, max-age=86400"

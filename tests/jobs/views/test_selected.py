"""Bulk actions: download, retry, pin, delete; bounded, and only on one's own jobs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs.models import Job, Picture, Receipt
from jobs.views import selected
from tests.jobs.factories import bare_job, complete_all, stored_files
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]


@pytest.fixture
def client(user: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(user)


def send(client: Client, action: str, jobs: list[Job], **more: str) -> HttpResponse:
    data = {"jobs": [str(job.pk) for job in jobs], **more}
    return client.post(f"/jobs/selected/{action}/", data)


def said(answer: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def fail(job: Job) -> None:
    Picture.objects.filter(job=job).update(
        state="failed", error_code="broken", error_sentence="Broken.", finished_at=timezone.now()
    )
    Job.objects.filter(pk=job.pk).update(state="finished", finished_at=timezone.now())


def test_one_zip_with_a_folder_for_each_job(user: User, client: Client) -> None:
    jobs = [
        bare_job(user, 2, title="Shoes"),
        bare_job(user, 1, title="Bags"),
        bare_job(user, 1, title="Shoes"),
    ]
    for job in jobs[:2]:
        complete_all(job)
    answer = send(client, "download", jobs)
    data = body_of(answer)
    assert answer["Content-Type"] == "application/zip"
    assert int(answer["Content-Length"]) == len(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sorted(archive.namelist()) == [
            "Bags/picture-0.png",
            "Shoes (2)/picture-0.png",
            "Shoes (2)/picture-1.png",
            "Shoes/manifest.csv",
        ]


def test_jobs_without_results_get_a_message(user: User, client: Client) -> None:
    answer = send(client, "download", [bare_job(user)], here="state=active")
    assert (answer.status_code, answer["Location"]) == (302, "/jobs/?state=active")
    assert said(answer) == ["These jobs have no results yet."]


def test_a_download_is_bounded(user: User, client: Client) -> None:
    job = bare_job(user)
    Job.objects.filter(pk=job.pk).update(picture_count=selected.PICTURES_AT_ONCE + 1)
    assert said(send(client, "download", [job])) == [
        "One download can hold at most 20,000 pictures. Select fewer jobs."
    ]


def test_failed_pictures_of_all_jobs_are_retried(user: User, client: Client) -> None:
    jobs = [bare_job(user, 2), bare_job(user, 1), bare_job(user, 1)]
    for job in jobs[:2]:
        fail(job)
    answer = send(client, "retry", jobs)
    assert said(answer) == ["Retrying 3 pictures."]
    assert not Picture.objects.filter(state="failed").exists()
    assert said(send(client, "retry", jobs))[-1] == "There is nothing to retry."


def test_pin_and_unpin(user: User, client: Client) -> None:
    jobs, other = [bare_job(user), bare_job(user)], bare_job(user)
    assert said(send(client, "pin", jobs)) == ["Kept until you delete them: 2 jobs."]
    assert set(Job.objects.filter(pinned=True)) == set(jobs)
    assert said(send(client, "pin", jobs[:1], pinned="false"))[-1] == "No longer pinned: 1 job."
    assert list(Job.objects.filter(pinned=True)) == jobs[1:]
    assert not Job.objects.get(pk=other.pk).pinned


@pytest.mark.django_db(transaction=True)
def test_deletion_needs_confirmation(user: User, client: Client) -> None:
    jobs, other = [complete_all(bare_job(user, 2)), bare_job(user, title="<b>")], bare_job(user)
    asked = send(client, "delete", jobs, here="q=a%26b")
    page = asked.content.decode()
    assert (asked.status_code, Job.objects.count()) == (200, 3)
    assert "Delete 2 jobs?" in page
    assert "All 3 pictures" in page
    assert "&lt;b&gt;" in page
    assert str(other.pk) not in page
    assert 'href="/jobs/?q=a%26b"' in page

    answer = send(client, "delete", jobs, sure="yes", here="q=a%26b")
    assert answer["Location"] == "/jobs/?q=a%26b"
    assert said(answer) == ["Deleted with all files: 2 jobs."]
    assert list(Job.objects.all()) == [other]
    assert Receipt.objects.count() == 2
    assert stored_files() == []


@pytest.mark.parametrize("action", ["download", "retry", "pin", "delete"])
def test_another_users_job_refuses_the_whole_request(
    action: str, user: User, stranger: User, client: Client
) -> None:
    mine, foreign = bare_job(user), bare_job(stranger)
    for job in (mine, foreign):
        fail(job)
    assert send(client, action, [mine, foreign], sure="yes").status_code == 404
    assert send(client, action, [mine, Job(pk=uuid4())], sure="yes").status_code == 404
    assert client.post(f"/jobs/selected/{action}/", {"jobs": "x"}).status_code == 404
    assert set(Job.objects.values_list("pinned", flat=True)) == {False}
    assert set(Picture.objects.values_list("state", flat=True)) == {"failed"}


@pytest.mark.parametrize("action", ["download", "retry", "pin", "delete"])
def test_no_jobs_and_too_many_jobs_get_a_message(action: str, user: User, client: Client) -> None:
    assert said(send(client, action, [])) == ["Select at least one job."]
    many = [Job(pk=uuid4()) for _ in range(selected.JOBS_AT_ONCE + 1)]
    assert said(send(client, action, many))[-1] == "Select at most 100 jobs at once."


@pytest.mark.parametrize(
    "here", ["//evil.example", "https://evil.example/", "\r\nX: y", "next=//evil.example"]
)
def test_the_redirect_always_leads_to_the_history(here: str, user: User, client: Client) -> None:
    location = send(client, "pin", [bare_job(user)], here=here)["Location"]
    assert location.startswith("/jobs/?")
    assert "\n" not in location

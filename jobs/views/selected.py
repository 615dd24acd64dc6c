"""Bulk actions on the jobs that are selected in the history."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TypeAlias
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.errors import QuotaExceededError
from jobs import archive, selectors
from jobs.errors import GoneError
from jobs.models import Job
from jobs.services import downloads, removal, retention, retry
from jobs.serving import serve_zip
from jobs.views.access import user_of

JOBS_AT_ONCE = 100
# Limits the memory that an archive's directory takes before its first byte is sent.
PICTURES_AT_ONCE = 20_000

Act: TypeAlias = Callable[[HttpRequest, list[Job]], HttpResponseBase]


def _selected_jobs_view(act: Act) -> Callable[[HttpRequest], HttpResponseBase]:
    """A view on the user's own jobs that the form lists. If one is not theirs, the whole request is a 404."""

    @wraps(act)
    def view(request: HttpRequest) -> HttpResponseBase:
        try:
            ids = {UUID(text) for text in request.POST.getlist("jobs")}
        except ValueError as error:
            raise Http404("No such job.") from error
        if not ids:
            messages.error(request, "Select at least one job.")
            return _back(request)
        if len(ids) > JOBS_AT_ONCE:
            messages.error(request, f"Select at most {JOBS_AT_ONCE} jobs at once.")
            return _back(request)
        found = selectors.jobs_of(user_of(request), ids)
        if len(found) != len(ids):
            raise Http404("No such job.")
        return act(request, found)

    return login_required(require_POST(view))


def _back(request: HttpRequest) -> HttpResponse:
    """Redirects to the page of the history with the form."""
    query = QueryDict(request.POST.get("here", "")).urlencode()
    return redirect(f"{reverse('jobs:jobs')}{'?' if query else ''}{query}")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


@_selected_jobs_view
def download(request: HttpRequest, jobs: list[Job]) -> StreamingHttpResponse | HttpResponse:
    """Download all finished results as one ZIP, with a folder for each job."""
    if sum(job.picture_count for job in jobs) > PICTURES_AT_ONCE:
        messages.error(
            request,
            f"One download can hold at most {PICTURES_AT_ONCE:,} pictures. Select fewer jobs.",
        )
        return _back(request)
    by_job = [(job, selectors.every_picture_of(job)) for job in jobs]
    if not any(picture.rendition for _, pictures in by_job for picture in pictures):
        messages.error(request, "These jobs have no results yet.")
        return _back(request)
    name = f"bgplatform {timezone.localtime():%Y-%m-%d %H.%M}.zip"
    response = serve_zip(archive.jobs_archive(by_job), name)
    downloads.note([picture for job, pictures in by_job if job.hidden_at is None for picture in pictures])
    return response


@_selected_jobs_view
def retry_failed(request: HttpRequest, jobs: list[Job]) -> HttpResponse:
    """Retry the failed pictures."""
    again = 0
    try:
        for job in jobs:
            # A job that was just deleted must not stop the others.
            with suppress(GoneError):
                again += retry.retry_failed(job)
    except QuotaExceededError as error:
        messages.error(request, error.sentence)
        if not again:
            return _back(request)
    messages.info(
        request,
        f"Retrying {_count(again, 'picture')}." if again else "There is nothing to retry.",
    )
    return _back(request)


@_selected_jobs_view
def pin(request: HttpRequest, jobs: list[Job]) -> HttpResponse:
    """Pin or unpin the jobs."""
    pinned = request.POST.get("pinned") != "false"
    for job in jobs:
        retention.set_pinned(job, pinned)
    what = "Kept until you delete them" if pinned else "No longer pinned"
    messages.info(request, f"{what}: {_count(len(jobs), 'job')}.")
    return _back(request)


@_selected_jobs_view
def delete(request: HttpRequest, jobs: list[Job]) -> HttpResponse:
    """Ask for confirmation, then delete the jobs with all their files."""
    if request.POST.get("sure") != "yes":
        context = {
            "jobs": jobs,
            "pictures": sum(job.picture_count for job in jobs),
            "here": request.POST.get("here", ""),
        }
        return render(request, "jobs/delete_selected.html", context)
    # In separate transactions, so that no job blocks the others.
    deleted = sum(removal.delete_jobs([job.pk]) for job in jobs)
    messages.success(request, f"Deleted with all files: {_count(deleted, 'job')}.")
    return _back(request)

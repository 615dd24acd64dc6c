"""What can be done with several jobs at once: those that are ticked in the history."""

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
from jobs.services import removal, retention, retry
from jobs.serving import zipped
from jobs.views.access import user_of

JOBS_AT_ONCE = 100
# What an archive's list of contents may hold in memory before its first byte.
PICTURES_AT_ONCE = 20_000

Act: TypeAlias = Callable[[HttpRequest, list[Job]], HttpResponseBase]


def _of_selected(act: Act) -> Callable[[HttpRequest], HttpResponseBase]:
    """A view of the user's own jobs that the form names; one that is not theirs is a 404 for all."""

    @wraps(act)
    def view(request: HttpRequest) -> HttpResponseBase:
        try:
            ids = {UUID(text) for text in request.POST.getlist("jobs")}
        except ValueError as error:
            raise Http404("No such job.") from error
        if not ids:
            messages.error(request, "Choose at least one job.")
            return _back(request)
        if len(ids) > JOBS_AT_ONCE:
            messages.error(request, f"Choose at most {JOBS_AT_ONCE} jobs at once.")
            return _back(request)
        found = selectors.jobs_of(user_of(request), ids)
        if len(found) != len(ids):
            raise Http404("No such job.")
        return act(request, found)

    return login_required(require_POST(view))


def _back(request: HttpRequest) -> HttpResponse:
    """To the page of the history that the form was on."""
    query = QueryDict(request.POST.get("here", "")).urlencode()
    return redirect(f"{reverse('jobs:jobs')}{'?' if query else ''}{query}")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


@_of_selected
def download(request: HttpRequest, jobs: list[Job]) -> StreamingHttpResponse | HttpResponse:
    """All that is done in them as one ZIP, a folder for each job."""
    if sum(job.picture_count for job in jobs) > PICTURES_AT_ONCE:
        messages.error(
            request,
            f"One download holds at most {PICTURES_AT_ONCE:,} pictures: choose fewer jobs at once.",
        )
        return _back(request)
    by_job = [(job, selectors.every_picture_of(job)) for job in jobs]
    if not any(picture.rendition for _, pictures in by_job for picture in pictures):
        messages.error(request, "Nothing of these jobs is done yet.")
        return _back(request)
    name = f"bgplatform {timezone.localtime():%Y-%m-%d %H.%M}.zip"
    return zipped(archive.jobs_archive(by_job), name)


@_of_selected
def retry_failed(request: HttpRequest, jobs: list[Job]) -> HttpResponse:
    """Try their failed pictures again."""
    again = 0
    try:
        for job in jobs:
            # One that is deleted by now has nothing to try, and holds up no other.
            with suppress(GoneError):
                again += retry.retry_failed(job)
    except QuotaExceededError as error:
        messages.error(request, error.sentence)
        if not again:
            return _back(request)
    messages.info(
        request,
        f"Tried again: {_count(again, 'picture')}." if again else "There is nothing to try again.",
    )
    return _back(request)


@_of_selected
def pin(request: HttpRequest, jobs: list[Job]) -> HttpResponse:
    """Keep them beyond the plan's days, or no longer."""
    pinned = request.POST.get("pinned") != "false"
    for job in jobs:
        retention.set_pinned(job, pinned)
    what = "Kept until you delete them" if pinned else "No longer pinned"
    messages.info(request, f"{what}: {_count(len(jobs), 'job')}.")
    return _back(request)


@_of_selected
def delete(request: HttpRequest, jobs: list[Job]) -> HttpResponse:
    """Ask, and when it was answered delete them with all their files."""
    if request.POST.get("sure") != "yes":
        context = {
            "jobs": jobs,
            "pictures": sum(job.picture_count for job in jobs),
            "here": request.POST.get("here", ""),
        }
        return render(request, "jobs/delete_selected.html", context)
    # One after the other: each is a transaction of its own, and none holds the others up.
    deleted = sum(removal.delete_jobs([job.pk]) for job in jobs)
    messages.success(request, f"Deleted with all files: {_count(deleted, 'job')}.")
    return _back(request)

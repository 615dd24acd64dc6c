"""The studio, the job page, and the actions on a job."""

from __future__ import annotations

import re
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import QuotaExceededError
from jobs import selectors
from jobs.errors import JobsError, SubmitRefusedError
from jobs.forms import describe, options, read_recipe
from jobs.models import Job, Picture, Receipt, Tag
from jobs.selectors.estimate import time_left
from jobs.services import open_uploads, removal, retention, retry, submit, uploads
from jobs.views.access import job_or_404, user_of
from jobs.views.history import history
from segmentation.errors import RecipeError
from segmentation.pictures import names as picture_names
from segmentation.recipe import Recipe

CARDS_AT_ONCE = 100
RECENT_JOBS = 3
RECEIPTS = 100
MAX_SEARCH = 100
# Personal pages are not cached: Back after signing out must not show them.
own_page = cache_control(private=True, no_store=True)


@login_required
@own_page
@require_safe
def studio(request: HttpRequest) -> HttpResponse:
    """The upload page, with the newest jobs below."""
    user = user_of(request)
    recipe = Recipe(model=settings.MODEL)
    context = {
        "recent_jobs": selectors.history(user, most=RECENT_JOBS).items,
        "recipe": describe(recipe),
        "options": options(recipe),
        "may_be_picture": picture_names.for_page(),
        "earlier": len(open_uploads.ready(user)),
    }
    return render(request, "jobs/studio.html", context)


@login_required
@own_page
@require_http_methods(["GET", "HEAD", "POST"])
def jobs(request: HttpRequest) -> HttpResponse:
    """GET: the history. POST: a new job."""
    return _submit(request) if request.method == "POST" else history(request)


def _submit(request: HttpRequest) -> HttpResponse:
    wants_json = request.accepts("application/json") and not request.accepts("text/html")
    try:
        recipe = read_recipe(request.POST)
        ids = _upload_ids(request)
        job = submit.submit(user_of(request), ids, recipe)
    except (JobsError, RecipeError, QuotaExceededError) as error:
        if wants_json:
            status = 422 if isinstance(error, RecipeError) else error.status
            return JsonResponse({"code": error.code, "sentence": error.sentence}, status=status)
        messages.error(request, error.sentence)
        return redirect("jobs:studio")
    if not wants_json:
        return redirect(job)
    pictures = Picture.objects.filter(job=job).order_by("position").values("id", "name", "state", "position")
    answer = {
        "id": str(job.pk),
        "url": job.get_absolute_url(),
        "cards_url": reverse("jobs:cards", args=[job.pk]),
        "events_url": reverse("jobs:events", args=[job.pk]),
        "zip_url": reverse("jobs:zip", args=[job.pk]),
        "pictures": [
            {
                "id": str(picture["id"]),
                "name": picture["name"],
                "state": picture["state"],
                "upload": str(ids[picture["position"]]),
            }
            # By position, because a picture may be deleted by now.
            for picture in pictures
        ],
    }
    return JsonResponse(answer, status=201)


def _upload_ids(request: HttpRequest) -> list[UUID]:
    """The uploads that a script finished, those left from an earlier visit, or files from a plain form."""
    user = user_of(request)
    if "earlier" in request.POST:
        return open_uploads.ready(user)
    sent = [file for file in request.FILES.getlist("pictures") if file.name]
    files = [file for file in sent if not picture_names.is_sidecar(str(file.name))]
    if len(files) < len(sent):
        _report_skipped(request, len(sent) - len(files))
    if files:
        open_uploads.check_room(user, len(files))
        return [uploads.take_in(user, str(file.name), file, file.size or 0).pk for file in files]
    try:
        return list(dict.fromkeys(UUID(text) for text in request.POST.getlist("uploads")))
    except ValueError as error:
        raise SubmitRefusedError(
            "upload_not_ready", "One of the files was not found. Send it again."
        ) from error


def _report_skipped(request: HttpRequest, count: int) -> None:
    """Files named “._…” hold macOS metadata of other files; they do not count as failed pictures."""
    if request.accepts("text/html"):
        which = "file whose name starts with “._”; such files hold macOS metadata"
        if count > 1:
            which = "files whose names start with “._”; such files hold macOS metadata"
        messages.info(request, f"Skipped {count} {which}.")


@login_required
@own_page
@require_safe
def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """A job with a page of its pictures."""
    found = job_or_404(request, job_id)
    recipe = Recipe.stored(found.recipe)
    state, name = request.GET.get("state", ""), request.GET.get("q", "")[:MAX_SEARCH].strip()
    page = selectors.pictures_of(
        found,
        start=_position(request.GET.get("from", "")),
        state=state if state in Picture.State.values else "",
        name=name,
    )
    kept = {"state": state if state in Picture.State.values else "", "q": name}
    context = {
        "job": found,
        "counts": found.counts,
        "pictures": page.items,
        "older": page.older,
        "newer": page.newer,
        "narrowed": urlencode({word: value for word, value in kept.items() if value}),
        "estimate": time_left(found),
        "retryable": _retryable(found),
        "recipe": describe(recipe),
        "options": options(recipe),
        "known_tags": Tag.objects.for_user(user_of(request)),
    }
    return render(request, "jobs/job.html", context)


def _retryable(job: Job) -> dict[str, int]:
    ended_badly = job.counts[Picture.State.FAILED] + job.counts[Picture.State.CANCELLED]
    return retry.count_worth_trying(job) if ended_badly and job.state != Job.State.ACTIVE else {}


def _position(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


@login_required
@require_safe
def cards(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """The current cards of the given pictures, or of the job's first page."""
    found = job_or_404(request, job_id)
    asked = [text for text in request.GET.get("ids", "").split(",") if text]
    try:
        ids = [UUID(text) for text in asked[:CARDS_AT_ONCE]]
    except ValueError:
        return HttpResponseBadRequest("ids are picture ids, separated by commas")
    pictures = selectors.some_pictures_of(found, ids) if asked else selectors.pictures_of(found).items
    response = render(request, "jobs/_cards.html", {"pictures": pictures, "job": found})
    response["X-Job-State"] = found.state
    response["Cache-Control"] = "no-store"
    return response


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


@login_required
@require_POST
def retry_failed(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Retry the failed pictures, the cancelled ones, or both, as `state` says."""
    found = job_or_404(request, job_id)
    state = request.POST.get("state")
    states = [state] if state in retry.ENDED_BADLY else retry.ENDED_BADLY
    try:
        count = retry.retry_failed(found, states=states)
    except QuotaExceededError as error:
        messages.error(request, error.sentence)
        return redirect(found)
    messages.info(
        request,
        f"Retrying {_pictures(count)}." if count else "There is nothing to retry.",
    )
    return redirect(found)


@login_required
@require_POST
def again(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Run the same pictures again. The form changes the job's recipe; fields that it lacks stay."""
    found = job_or_404(request, job_id)
    try:
        new = submit.again(found, read_recipe(request.POST, Recipe.stored(found.recipe)))
    except (SubmitRefusedError, RecipeError, QuotaExceededError) as error:
        messages.error(request, error.sentence)
        return redirect(found)
    return redirect(new)


@login_required
@require_POST
def pin(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Pin or unpin a job. Pinned jobs are kept beyond the plan's retention."""
    found = job_or_404(request, job_id)
    pinned = request.POST.get("pinned") == "true"
    retention.set_pinned(found, pinned)
    messages.info(
        request, "This job is kept until you delete it." if pinned else "This job is no longer pinned."
    )
    return redirect(found)


@login_required
@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """The receipts: what was deleted, when and why."""
    receipts = Receipt.objects.for_user(user_of(request))[:RECEIPTS]
    return render(request, "jobs/deleted.html", {"receipts": receipts})


@login_required
@require_POST
def cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Cancel the unfinished pictures."""
    found = job_or_404(request, job_id)
    count = removal.cancel(found)
    messages.info(
        request,
        f"Cancelled: {_pictures(count)}." if count else "Nothing to cancel: the job has already ended.",
    )
    return redirect(found)


@login_required
@require_POST
def delete(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Delete a job with all its files."""
    found = job_or_404(request, job_id)
    removal.delete_jobs([found.pk])
    messages.success(request, f"“{found.title}” and its files were deleted.")
    return redirect("jobs:jobs")

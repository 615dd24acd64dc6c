"""Adding and removing a job's tags."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from jobs.errors import TagRefusedError
from jobs.services import tags
from jobs.views.access import job_or_404


@login_required
@require_POST
def add(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Add a tag."""
    job = job_or_404(request, job_id)
    try:
        tags.add(job, request.POST.get("name", ""))
    except TagRefusedError as error:
        messages.error(request, error.sentence)
    return redirect(f"{job.get_absolute_url()}#tags")


@login_required
@require_POST
def remove(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Remove a tag. Removing a missing tag is not an error."""
    job = job_or_404(request, job_id)
    tags.remove(job, request.POST.get("name", ""))
    return redirect(f"{job.get_absolute_url()}#tags")

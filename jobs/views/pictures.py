"""The actions on one picture."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from jobs.models import Job
from jobs.services import removal
from jobs.views.access import picture_or_404


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, picture_id: UUID) -> HttpResponse:
    """Ask for confirmation, then delete a picture with its files. Deleting the last one deletes the job."""
    picture = picture_or_404(request, picture_id)
    if request.POST.get("sure") != "yes":
        return render(request, "jobs/delete_picture.html", {"picture": picture})
    removal.delete_pictures([picture.pk])
    job = Job.objects.filter(pk=picture.job_id).first()
    if request.accepts("application/json") and not request.accepts("text/html"):
        return JsonResponse({"left": job.picture_count if job else 0})
    messages.success(request, f"“{picture.name}” and its files were deleted.")
    return redirect(job or "jobs:jobs")

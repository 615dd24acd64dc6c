"""Access checks for all views: users must be signed in and own the object, otherwise they get a 404."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest

from accounts.current_user import user_of as user_of
from jobs import selectors
from jobs.models import Job, Picture, Upload


def job_or_404(request: HttpRequest, job: UUID) -> Job:
    """The user's own job."""
    try:
        return selectors.job_of(user_of(request), job)
    except Job.DoesNotExist as error:
        raise Http404("No such job.") from error


def picture_or_404(request: HttpRequest, picture: UUID) -> Picture:
    """The user's own picture."""
    try:
        return selectors.picture_of(user_of(request), picture)
    except Picture.DoesNotExist as error:
        raise Http404("No such picture.") from error


def upload_or_404(request: HttpRequest, upload: UUID) -> Upload:
    """The user's own upload."""
    try:
        found: Upload = Upload.objects.for_user(user_of(request)).get(pk=upload)
    except Upload.DoesNotExist as error:
        raise Http404("No such upload.") from error
    return found

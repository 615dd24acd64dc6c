"""Open uploads: announced or sent files that are in no job yet. Their number per user is limited."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from jobs.errors import TooManyError
from jobs.models import Upload


def open_uploads(user: User) -> QuerySet[Upload]:
    """Returns a user's uploads that are in no job, oldest first."""
    mine: QuerySet[Upload] = Upload.objects.for_user(user).exclude(state=Upload.State.SUBMITTED)
    return mine.order_by("created_at", "id")


def of_pages(user: User) -> QuerySet[Upload]:
    """Returns the open uploads that were sent from a page. API clients submit their own."""
    return open_uploads(user).filter(by_program=False)


def ready(user: User) -> list[UUID]:
    """Returns the page uploads that can be submitted now, oldest first, up to the job limit."""
    whole = of_pages(user).filter(state=Upload.State.UPLOADED)
    return list(whole.values_list("pk", flat=True)[: settings.MAX_JOB_PICTURES])


def check_room(user: User, adding: int = 1) -> None:
    """Raises TooManyError if `adding` more uploads would exceed MAX_OPEN_UPLOADS.

    Concurrent requests do not see each other, so the count may end slightly above the limit. It limits the
    backlog of one account; it is not a quota.
    """
    most = settings.MAX_OPEN_UPLOADS
    if open_uploads(user)[:most].count() + adding > most:
        raise TooManyError(
            "too_many_uploads",
            f"{most} of your files are in no job yet. Submit or discard them, then send more. Files that "
            f"API clients sent are deleted after {settings.UPLOAD_HOURS} hours.",
        )

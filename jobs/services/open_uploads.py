"""Open uploads: what a user announced or sent and what is in no job, of which there is a bounded number."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from jobs.errors import TooManyError
from jobs.models import Upload


def open_uploads(user: User) -> QuerySet[Upload]:
    """All of a user's that never became part of a job, the oldest first."""
    mine: QuerySet[Upload] = Upload.objects.for_user(user).exclude(state=Upload.State.SUBMITTED)
    return mine.order_by("created_at", "id")


def of_pages(user: User) -> QuerySet[Upload]:
    """Those that a person sent on a page. What programs sent they submit themselves."""
    return open_uploads(user).filter(by_program=False)


def ready(user: User) -> list[UUID]:
    """Those of the pages that could be submitted now, as many as a job holds, the oldest first."""
    whole = of_pages(user).filter(state=Upload.State.UPLOADED)
    return list(whole.values_list("pk", flat=True)[: settings.MAX_JOB_PICTURES])


def check_room(user: User, adding: int = 1) -> None:
    """Raise TooManyError where `adding` more would be more than MAX_OPEN_UPLOADS that are in no job.

    Of several requests at once each counts for itself, so that there may be a few more: it is a bound on what
    one account can pile up, not a quota.
    """
    most = settings.MAX_OPEN_UPLOADS
    if open_uploads(user)[:most].count() + adding > most:
        raise TooManyError(
            "too_many_uploads",
            f"{most} of your files are in no job yet. Submit them or discard them, then send more; what "
            f"programs sent and left goes by itself after {settings.UPLOAD_HOURS} hours.",
        )

"""Links to decisions. Whoever has one can read the decision and appeal.

A suspended person can sign in to nothing, so these pages need no sign-in. The link is signed and goes to the
person's address only.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core import signing
from django.urls import reverse

from common import mail
from jobs.models import Decision, DecisionAction

_SALT: Final = "jobs.moderation.decision"


def path_of(decision: UUID) -> str:
    """The path of the page of a decision."""
    return reverse("jobs:decision", args=[_key(decision)])


def url_of(decision: UUID) -> str:
    """The address of the page of a decision, for mails."""
    return mail.address("jobs:decision", _key(decision))


def read_key(key: str) -> Decision:
    """The decision that a link names. Raises Decision.DoesNotExist for a key that we did not make."""
    try:
        pk = signing.loads(key, salt=_SALT)
    except signing.BadSignature as error:
        raise Decision.DoesNotExist from error
    found: Decision = Decision.objects.select_related("case", "appeal").get(
        pk=pk, action__in=Decision.AGAINST
    )
    return found


def path_of_suspension(user: int) -> str:
    """The path of the decision by which an account is suspended; "" if a moderator did not decide it."""
    suspensions = Decision.objects.filter(
        user=user, action__in=[DecisionAction.SUSPEND, DecisionAction.BAN], undone_at__isnull=True
    )
    newest = suspensions.order_by("-created_at").values_list("pk", flat=True).first()
    return path_of(newest) if newest else ""


def _key(decision: UUID) -> str:
    return signing.dumps(str(decision), salt=_SALT)

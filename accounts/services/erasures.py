"""Requests to erase an account, and their cancellation. jobs/services/erasure.py does the deletion."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import locks
from accounts.errors import ErasureRefusedError
from accounts.models import AuditAction, Erasure, User
from accounts.services import audit, sessions
from common import mail

# The session's key for the offer to keep an account.
OFFER: Final = "keep_account"
OFFER_SECONDS: Final = 600


def pending(user: User) -> Erasure | None:
    """Returns the erasure of an account that can still be cancelled; None if there is none."""
    rows = Erasure.objects.filter(account=user.pk, joined_at=user.date_joined)
    found: Erasure | None = rows.filter(state=Erasure.State.WAITING).first()
    return found


def needs_code(request: HttpRequest) -> bool:
    """Whether keeping the offered account needs a code of its second factor."""
    return bool(request.session.get(OFFER, {}).get("needs_code", True))


def request(user: User, *, at_once: bool, by_staff: bool = False, reason: str = "") -> Erasure:
    """Closes an account and has it erased: at once, or after ERASURE_GRACE_DAYS.

    Sessions and tokens stop working. A request to erase at once also brings a waiting one forward. Raises
    ErasureRefusedError: erasure_requested, last_administrator.
    """
    now = timezone.now()
    due = now if at_once else now + timedelta(days=settings.ERASURE_GRACE_DAYS)
    with transaction.atomic():
        # With all superusers, so that two of them who go at once do not leave the site without one.
        held_rows = locks.fetch_held(User.objects.filter(Q(pk=user.pk) | Q(is_superuser=True)))
        rows = [row for row in held_rows if row.pk == user.pk]
        if not rows:
            raise ErasureRefusedError("erasure_requested", _("This account is erased already."))
        held = rows[0]
        others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
        if held.is_superuser and not others.exists():
            raise ErasureRefusedError(
                "last_administrator",
                _("This is the only administrator of the site. Make somebody else an administrator first."),
            )
        known = Erasure.objects.filter(account=user.pk).exclude(state=Erasure.State.DONE).first()
        if known is not None and not (at_once and known.state == Erasure.State.WAITING):
            raise ErasureRefusedError("erasure_requested", _("The erasure was requested already."))
        if known is not None:
            Erasure.objects.filter(pk=known.pk).update(due_at=due)
        erasure = known or Erasure.objects.create(
            account=user.pk,
            joined_at=held.date_joined,
            was_active=held.is_active,
            due_at=due,
            by_staff=by_staff,
        )
        User.objects.filter(pk=user.pk).update(is_active=False)
        sessions.end_all(user.pk)
        facts = {"due": due.isoformat(timespec="seconds")}
        audit.record(AuditAction.ERASURE_REQUESTED, subject=user, on=erasure, reason=reason, facts=facts)
        if not at_once:
            page = mail.address("account_login")
            context = {"due": due, "by_staff": by_staff, "reason": reason, "page": page}
            mail.send("mail/erasure_requested", held.email, context)
    return erasure


def is_open(user: User) -> bool:
    """Whether an erasure of this account waits or runs. Locks the account, so that none begins meanwhile."""
    locks.hold_user(user.pk)
    known = Erasure.objects.filter(account=user.pk, joined_at=user.date_joined)
    return known.exclude(state=Erasure.State.DONE).exists()


def cancel(erasure: Erasure, *, by_staff: bool = False, reason: str = "") -> None:
    """Keeps an account that waits for its erasure, and opens it again.

    Raises ErasureRefusedError `erasure_begun` if the deletion has begun.
    """
    with transaction.atomic():
        locks.hold_user(erasure.account)
        waiting = Erasure.objects.filter(pk=erasure.pk, state=Erasure.State.WAITING)
        user = User.objects.filter(pk=erasure.account, date_joined=erasure.joined_at).first()
        if user is None or not waiting.delete()[0]:
            raise ErasureRefusedError(
                "erasure_begun", _("The erasure has begun and can no longer be cancelled.")
            )
        User.objects.filter(pk=user.pk).update(is_active=erasure.was_active)
        # A person who keeps the account is not signed in yet.
        actor = None if by_staff else user
        audit.record(AuditAction.ERASURE_CANCELLED, subject=user, actor=actor, reason=reason)
        mail.send("mail/erasure_cancelled", user.email, {"page": mail.address("account_login")})


def offer(request: HttpRequest, erasure: Erasure, *, needs_code: bool) -> None:
    """Lets this browser, whose password was just checked, keep the account for OFFER_SECONDS.

    needs_code: the account has a second factor, which this browser must show, too.
    """
    request.session[OFFER] = {"erasure": erasure.pk, "at": time.time(), "needs_code": needs_code}


def offered(request: HttpRequest) -> Erasure | None:
    """Returns the erasure that this browser may cancel; None if there is none, or its time is over."""
    kept = request.session.get(OFFER)
    if not kept or time.time() - kept["at"] > OFFER_SECONDS:
        return None
    found: Erasure | None = Erasure.objects.filter(pk=kept["erasure"], state=Erasure.State.WAITING).first()
    return found

"""Invitations: staff invite an address by e-mail, and its link creates an account with that address.

The link proves that the visitor reads e-mail at the address, so the account's address is confirmed from the
start. A used, expired, revoked or unknown link gives the same answer.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from enum import Enum
from hashlib import sha256
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.current_user import user_of
from accounts.email_selectors import confirmed_holder
from accounts.errors import AccountsError
from accounts.models import AuditAction, Invitation, User
from accounts.services import audit, emails
from accounts.site import absolute

# An ended invitation is kept this long, so that staff see what became of it. It holds a person's address.
KEPT_DAYS: Final = 90
SWEEP: Final = 1_000


class Outcome(Enum):
    """What came of inviting an address."""

    INVITED = "invited"
    HAS_ACCOUNT = "has_account"
    PENDING = "pending"
    ANSWERED = "answered"
    TOO_OFTEN = "too_often"
    MAIL_FAILED = "mail_failed"


class InvitationGoneError(AccountsError):
    """The invitation was used, revoked or has expired, or its address has an account meanwhile."""

    status = 409

    def __init__(self) -> None:
        super().__init__("invitation_gone", _("This link no longer works. Ask for a new invitation."))


def are_possible() -> bool:
    """Whether the site's settings allow invitations."""
    return bool(settings.SIGN_UP != "closed")


def invite(request: HttpRequest, email: str) -> Outcome:
    """Invite an address on behalf of the signed-in member of staff, unless it has an account.

    An expired invitation, or one whose mail could not be sent, is renewed. Sends nothing for an address with
    an account or with an invitation that can be accepted.
    """
    email = email.lower()
    if confirmed_holder(email) is not None:
        return Outcome.HAS_ACCOUNT
    if Invitation.objects.pending().filter(email=email, sent_at__isnull=False).exists():
        return Outcome.PENDING
    return _issue(request, email)


def send_again(request: HttpRequest, invitation: Invitation) -> Outcome:
    """Send an unanswered invitation with a new link and a new expiry. The earlier link stops working."""
    if confirmed_holder(invitation.email) is not None:
        return Outcome.HAS_ACCOUNT
    if not Invitation.objects.unanswered().filter(pk=invitation.pk).exists():
        return Outcome.ANSWERED
    return _issue(request, invitation.email)


def revoke(invitation: Invitation) -> bool:
    """Make the link of a pending invitation useless. Returns False where it is not pending."""
    with transaction.atomic():
        rows = Invitation.objects.pending().filter(pk=invitation.pk)
        if not rows.update(revoked_at=timezone.now()):
            return False
        audit.record(AuditAction.INVITATION_REVOKED, subject=None, on=invitation)
    return True


def find(secret: str) -> Invitation | None:
    """Returns the invitation that a link's secret opens; None where it can no longer be accepted."""
    if not are_possible():
        return None
    found: Invitation | None = Invitation.objects.pending().filter(digest=digest_of(secret)).first()
    return found if found is not None and confirmed_holder(found.email) is None else None


def pending_for(email: str) -> bool:
    """Whether an address has an invitation that can be accepted now."""
    return are_possible() and Invitation.objects.pending().filter(email=email.lower()).exists()


def accept(invitation: Invitation, password: str) -> User:
    """Create the account of an invited address; `password` is a hash. Its address is confirmed.

    Accounts that merely claimed the address lose it. Raises InvitationGoneError, and writes nothing, where
    the invitation cannot be accepted any more.
    """
    try:
        with transaction.atomic():
            emails.release_unconfirmed(invitation.email)
            user = User.objects.create(email=invitation.email, password=password)
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            # The same link: sending it again has replaced the digest.
            if not close(user, digest=invitation.digest):
                raise InvitationGoneError
            audit.record(AuditAction.SIGNED_UP, subject=user, actor=user, facts={"by": "invitation"})
    except (IntegrityError, emails.AddressTakenError) as error:
        raise InvitationGoneError from error
    return user


def close(user: User, *, digest: str | None = None) -> bool:
    """Mark the pending invitation of a new account's confirmed address as accepted. Requires a transaction.

    digest: only the invitation with this digest. Returns whether there was one.
    """
    rows = Invitation.objects.pending().filter(email=user.email)
    if digest is not None:
        rows = rows.filter(digest=digest)
    if not rows.update(accepted_at=timezone.now(), account=user):
        return False
    invitation = Invitation.objects.get(account=user)
    audit.record(AuditAction.INVITATION_ACCEPTED, subject=user, on=invitation, actor=user)
    return True


def sweep() -> int:
    """Delete up to SWEEP invitations that ended unaccepted more than KEPT_DAYS ago. Returns how many."""
    before = timezone.now() - timedelta(days=KEPT_DAYS)
    ended = Invitation.objects.filter(accepted_at__isnull=True).filter(
        Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    )
    count, _by_model = Invitation.objects.filter(
        pk__in=list(ended.values_list("pk", flat=True)[:SWEEP])
    ).delete()
    return int(count)


def _issue(request: HttpRequest, email: str) -> Outcome:
    if not (
        ratelimit.consume(request, action="invite")
        and ratelimit.consume(request, action="invitation_mail", key=email)
    ):
        return Outcome.TOO_OFTEN
    staff, secret, now = user_of(request), secrets.token_urlsafe(32), timezone.now()
    facts = {
        "digest": digest_of(secret),
        "invited_by": staff.pk,
        "sent_at": None,
        "expires_at": now + timedelta(days=settings.INVITATION_DAYS),
    }
    try:
        with transaction.atomic():
            again = Invitation.objects.unanswered().filter(email=email).update(**facts)
            if not again:
                Invitation.objects.create(email=email, **facts)
            invitation = Invitation.objects.get(digest=facts["digest"])
            audit.record(AuditAction.INVITED, subject=None, on=invitation, facts={"again": bool(again)})
    except IntegrityError:
        # Somebody else invites this address at the same time.
        return Outcome.PENDING
    link = absolute(request, reverse("accounts:invitation", args=[secret]))
    about = {"link": link, "inviter": staff.name, "days": settings.INVITATION_DAYS}
    try:
        get_adapter().send_mail("account/email/invitation", email, about)
    except ImmediateHttpResponse:
        return Outcome.MAIL_FAILED
    Invitation.objects.filter(pk=invitation.pk, digest=facts["digest"]).update(sent_at=timezone.now())
    return Outcome.INVITED


def digest_of(secret: str) -> str:
    """Returns what the database holds of a link's secret."""
    return sha256(secret.encode()).hexdigest()

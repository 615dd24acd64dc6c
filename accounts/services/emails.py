"""Changes and confirms e-mail addresses. An address belongs to the first account that confirms it.

An unconfirmed address gives its account no rights: no password reset goes to it, and it is released as soon
as another account confirms it.
"""

from __future__ import annotations

import secrets

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import locks
from accounts.email_selectors import RELEASED, confirmed_holder, has_address
from accounts.errors import AccountsError
from accounts.models import AuditAction, User
from accounts.services import audit
from accounts.services.notices import notify_of_staff


class AddressTakenError(AccountsError):
    """Another account has confirmed this address."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            "address_taken", _("Another account has confirmed this address. Sign in with that account.")
        )


def record_confirmed(user: User) -> None:
    """Record the address of an account created by staff or by a command as confirmed.

    django-allauth would treat a missing row as an unconfirmed address.
    """
    if not has_address(user) or EmailAddress.objects.filter(user=user, email=user.email).exists():
        return
    try:
        with transaction.atomic():
            EmailAddress.objects.create(
                user=user,
                email=user.email,
                verified=True,
                primary=not EmailAddress.objects.filter(user=user, primary=True).exists(),
            )
    except IntegrityError:
        # A concurrent request wrote the row, or another account has confirmed the address.
        return


def request_change(user: User, email: str) -> EmailAddress:
    """Record the address that a user wants to change to. An earlier request is discarded; its link stops
    working.
    """
    with transaction.atomic():
        _lock(user.pk)
        cancel_change(user)
        # A second address, confirmed when accounts could have several, must be confirmed again.
        EmailAddress.objects.filter(user=user, email=email.lower()).delete()
        return EmailAddress.objects.create(user=user, email=email.lower())


def cancel_change(user: User) -> int:
    """Discard the requested address change. Returns the number of discarded addresses."""
    deleted, _by_model = (
        EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).delete()
    )
    return int(deleted)


def confirm(address: EmailAddress) -> str:
    """Make an address the confirmed one of its account. Returns the address that it replaces, "" where it is
    the same.

    The caller has verified that the requester reads e-mail at the address and owns the account. The account's
    other addresses are deleted. Raises AddressTakenError where another account has confirmed it.
    """
    try:
        with transaction.atomic():
            _lock(address.user_id, email=address.email)
            user = User.objects.get(pk=address.user_id)
            release_unconfirmed(address.email, keep=user)
            rows = EmailAddress.objects.filter(user=user)
            if not rows.filter(pk=address.pk, verified=False).exists():
                raise AddressTakenError
            rows.exclude(pk=address.pk).delete()
            rows.filter(pk=address.pk).update(verified=True, primary=True)
            User.objects.filter(pk=user.pk).update(email=address.email)
            if user.email != address.email:
                audit.record(AuditAction.ADDRESS_CHANGED, subject=user)
    except IntegrityError as error:
        raise AddressTakenError from error
    address.refresh_from_db()
    return user.email if user.email != address.email else ""


def release_unconfirmed(email: str, *, keep: User | None = None) -> None:
    """Remove an address from every account except `keep` that has not confirmed it. Requires a transaction.

    An account that loses its only address keeps its data and its sessions. Raises AddressTakenError where
    another account has confirmed the address.
    """
    holder = confirmed_holder(email)
    if holder is not None and holder != keep:
        raise AddressTakenError
    rows, users = EmailAddress.objects.filter(email=email, verified=False), User.objects.filter(email=email)
    if keep is not None:
        rows, users = rows.exclude(user=keep), users.exclude(pk=keep.pk)
    rows.delete()
    claimant = users.first()
    if claimant is not None:
        placeholder = f"account-{claimant.pk}-{secrets.token_hex(4)}{RELEASED}"
        User.objects.filter(pk=claimant.pk, email=email).update(email=placeholder)


def set_by_staff(user: User, *, before: str = "") -> None:
    """Make the address that staff set the account's only one, and confirmed.

    before: the address that it replaces, if any; it gets a mail.
    """
    with transaction.atomic():
        EmailAddress.objects.filter(user=user).delete()
        record_confirmed(user)
        if before:
            notify_of_staff(user, "account/email/email_changed_by_staff", to=before)


def _lock(*users: int, email: str = "") -> None:
    """Lock the rows of these users and of the user with this address, in id order."""
    locks.hold(User.objects.filter(Q(pk__in=users) | Q(email=email)))

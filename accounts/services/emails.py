"""Changing and confirming e-mail addresses. An address belongs to whoever confirms it first.

An unconfirmed address gives its account nothing: no password reset goes to it, and it is released as soon as
somebody else confirms it.
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
from accounts.models import User


class AddressTakenError(AccountsError):
    """Another account has confirmed this address."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            "address_taken", _("Another account has confirmed this address. Sign in with that account.")
        )


def adopt(user: User) -> None:
    """Write down that the address of an account is confirmed where staff or a command made the account.

    django-allauth would take the missing row for an unconfirmed address.
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
        # Somebody else wrote the row at the same moment, or another account has confirmed the address.
        return


def want(user: User, email: str) -> EmailAddress:
    """Note the address that a user wants to change to; an earlier wish is forgotten, and its link is dead."""
    with transaction.atomic():
        _lock(user.pk)
        withdraw(user)
        # A second address that was confirmed when accounts had several is confirmed anew.
        EmailAddress.objects.filter(user=user, email=email.lower()).delete()
        return EmailAddress.objects.create(user=user, email=email.lower())


def withdraw(user: User) -> int:
    """Forget the address that a user wanted to change to; how many there were."""
    deleted, _by_model = (
        EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).delete()
    )
    return int(deleted)


def confirm(address: EmailAddress) -> str:
    """Make an address the confirmed one of its account; the address that it replaces, "" where it is that.

    The caller has made sure that whoever asks reads mail at the address and owns the account. Other addresses
    of the account go. Raises AddressTakenError where another account has confirmed it.
    """
    try:
        with transaction.atomic():
            _lock(address.user_id, email=address.email)
            user = User.objects.get(pk=address.user_id)
            release(address.email, keep=user)
            rows = EmailAddress.objects.filter(user=user)
            if not rows.filter(pk=address.pk, verified=False).exists():
                raise AddressTakenError
            rows.exclude(pk=address.pk).delete()
            rows.filter(pk=address.pk).update(verified=True, primary=True)
            User.objects.filter(pk=user.pk).update(email=address.email)
    except IntegrityError as error:
        raise AddressTakenError from error
    address.refresh_from_db()
    return user.email if user.email != address.email else ""


def release(email: str, *, keep: User | None = None) -> None:
    """Take an address from every account that has not confirmed it, but for `keep`. In a transaction.

    An account whose only address it was stays with all that is in it, and its sessions go on. Raises
    AddressTakenError where another account has confirmed the address.
    """
    holder = confirmed_holder(email)
    if holder is not None and holder != keep:
        raise AddressTakenError
    rows, users = EmailAddress.objects.filter(email=email, verified=False), User.objects.filter(email=email)
    if keep is not None:
        rows, users = rows.exclude(user=keep), users.exclude(pk=keep.pk)
    rows.delete()
    squatter = users.first()
    if squatter is not None:
        nobody = f"account-{squatter.pk}-{secrets.token_hex(4)}{RELEASED}"
        User.objects.filter(pk=squatter.pk, email=email).update(email=nobody)


def set_by_staff(user: User) -> None:
    """Make the address that staff gave an account the only one, and confirmed: they vouch for it."""
    with transaction.atomic():
        EmailAddress.objects.filter(user=user).delete()
        adopt(user)


def _lock(*users: int, email: str = "") -> None:
    """Lock the rows of these users and of whoever signs in with the address, in the order of their ids."""
    locks.hold(User.objects.filter(Q(pk__in=users) | Q(email=email)))

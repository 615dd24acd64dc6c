"""Queries about e-mail addresses: whose they are, and whether they are confirmed.

`User.email` is the address to sign in with. django-allauth's `EmailAddress` records whether it is confirmed,
and holds the address that a person wants to change to. An account without such a row was created by staff or
by a command and counts as confirmed; sign-ups always create a row.
"""

from __future__ import annotations

from typing import Final

from allauth.account.models import EmailAddress

from accounts.models import User

# Placeholder address of an account whose own was confirmed by another account; not deliverable.
RELEASED: Final = "@released.invalid"


def is_real(email: str) -> bool:
    """Whether this is a real address, not the placeholder of a released one."""
    return not email.endswith(RELEASED)


def has_address(user: User) -> bool:
    """Whether the account still has an address of its own."""
    return is_real(user.email)


def is_confirmed(user: User) -> bool:
    """Whether the user's sign-in address is confirmed."""
    if not has_address(user):
        return False
    row = EmailAddress.objects.filter(user=user, email=user.email).first()
    return row is None or bool(row.verified)


def confirmed_holder(email: str) -> User | None:
    """Returns the account that has confirmed an address; None where it is free or merely claimed."""
    row = EmailAddress.objects.filter(email=email.lower(), verified=True).select_related("user").first()
    if row is not None:
        holder: User = row.user
        return holder
    user = User.objects.filter(email=email.lower()).first()
    return user if user is not None and is_confirmed(user) else None


def is_unknown(email: str) -> bool:
    """Whether no account uses or claims this address."""
    address = email.lower()
    return not (
        User.objects.filter(email=address).exists() or EmailAddress.objects.filter(email=address).exists()
    )


def pending_address(user: User) -> EmailAddress | None:
    """Returns the unconfirmed address that a user wants to change to."""
    return (
        EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).order_by("pk").last()
    )

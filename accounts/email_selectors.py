"""Reading about e-mail addresses: whose they are, and whether that is proven.

The address to sign in with is `User.email`. django-allauth's `EmailAddress` says whether it is confirmed, and
holds the one that a person wants to change to. An account without a row for its address was made by staff or
by a command, who vouch for it; sign-ups always make a row.
"""

from __future__ import annotations

from typing import Final

from allauth.account.models import EmailAddress

from accounts.models import User

# The address of an account whose own was confirmed by somebody else: no mail reaches it.
RELEASED: Final = "@released.invalid"


def is_real(email: str) -> bool:
    """Whether this is an address, not what stands in for one that was released."""
    return not email.endswith(RELEASED)


def has_address(user: User) -> bool:
    """Whether the account still has an address of its own."""
    return is_real(user.email)


def is_confirmed(user: User) -> bool:
    """Whether the address that the user signs in with is known to be theirs."""
    if not has_address(user):
        return False
    row = EmailAddress.objects.filter(user=user, email=user.email).first()
    return row is None or bool(row.verified)


def confirmed_holder(email: str) -> User | None:
    """The account to which an address belongs by confirmation; None where it is free or merely claimed."""
    row = EmailAddress.objects.filter(email=email.lower(), verified=True).select_related("user").first()
    if row is not None:
        holder: User = row.user
        return holder
    user = User.objects.filter(email=email.lower()).first()
    return user if user is not None and is_confirmed(user) else None


def is_unknown(email: str) -> bool:
    """Whether no account names this address in any way."""
    address = email.lower()
    return not (
        User.objects.filter(email=address).exists() or EmailAddress.objects.filter(email=address).exists()
    )


def wanted_by(user: User) -> EmailAddress | None:
    """The address that a user wants to change to and has not confirmed yet."""
    return (
        EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).order_by("pk").last()
    )

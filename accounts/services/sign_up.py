"""Sign-up: an account is created only once its address is confirmed, so nobody can take another person's
address.

The form gives the same answer for every address. The e-mail differs for an address that has an account, and
only its owner reads it. The password stays in the session of the browser that signed up; any other browser
that opens the link must choose a new one. So a password set by a stranger never opens an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse

from accounts.email_selectors import confirmed_holder
from accounts.models import AuditAction, User
from accounts.services import audit, emails, invitations, single_sign_on
from accounts.services.single_sign_on import Identity
from accounts.site import absolute

SALT: Final = "accounts.sign-up"
LINK_LIFETIME: Final = timedelta(days=3)
SESSION_KEY: Final = "sign_up"


@dataclass(frozen=True)
class Link:
    """A sign-up link: it proves that the visitor reads e-mail at this address."""

    email: str

    @property
    def key(self) -> str:
        """Returns the signed key in the link."""
        return signing.dumps(self.email, salt=SALT)

    @classmethod
    def read(cls, key: str) -> Link | None:
        """Parse a key; None where it is invalid or expired."""
        try:
            return cls(signing.loads(key, salt=SALT, max_age=LINK_LIFETIME))
        except signing.BadSignature:
            return None


@dataclass(frozen=True)
class Kept:
    """What this browser's session keeps of its sign-up: a password's hash, or a person of the provider."""

    password: str
    identity: Identity | None


def begin(
    request: HttpRequest, email: str, password: str | None = None, *, identity: Identity | None = None
) -> None:
    """Send the sign-up e-mail, and keep the password or the identity in this browser's session.

    Takes the same time and has the same side effects for every address. At most one e-mail a minute and six
    an hour are sent; the links of earlier ones still work.
    """
    request.session[SESSION_KEY] = {
        "email": email,
        "password": make_password(password),
        "identity": identity.keep() if identity else None,
    }
    adapter, link = get_adapter(), Link(email)
    address = absolute(request, reverse("accounts:sign_up_confirm", args=[link.key]))
    taken = confirmed_holder(email) is not None
    if ratelimit.consume(request, action="sign_up_mail", key=email):
        name = "account_already_exists" if taken else "sign_up"
        adapter.send_mail(f"account/email/{name}", email, {"link": address})


def kept_of(request: HttpRequest, link: Link) -> Kept | None:
    """Returns what this browser's sign-up kept; None in any other browser."""
    kept = request.session.get(SESSION_KEY)
    if not kept or kept["email"] != link.email:
        return None
    identity = kept.get("identity")
    return Kept(str(kept["password"]), Identity.restore(identity) if identity else None)


def finish(link: Link, password: str, identity: Identity | None = None) -> User:
    """Create the account of a confirmed address; `password` is a hash. Accounts that merely claimed the
    address lose it. identity: the person of the provider who can sign in to it, without a password.

    Raises AddressTakenError where another account has confirmed it meanwhile.
    """
    if identity is not None:
        try:
            return single_sign_on.create(identity, email=link.email)
        except single_sign_on.SignOnRefusedError as error:
            raise emails.AddressTakenError from error
    try:
        with transaction.atomic():
            emails.release_unconfirmed(link.email)
            user = User.objects.create(email=link.email, password=password)
            EmailAddress.objects.create(user=user, email=link.email, verified=True, primary=True)
            invitations.close(user)
            audit.record(AuditAction.SIGNED_UP, subject=user, actor=user)
    except IntegrityError as error:
        raise emails.AddressTakenError from error
    return user

"""Signing up: an account begins when its address is confirmed, and so nobody takes somebody else's.

The form's answer is the same for every address. What the mail says depends on whether the address belongs to
an account; only its owner reads it. The password waits in the session of the browser that signed up; any
other browser that opens the link chooses one there, so that a password that a stranger gave opens nothing.
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
from accounts.models import User
from accounts.services import emails
from accounts.site import absolute

SALT: Final = "accounts.sign-up"
LASTS: Final = timedelta(days=3)
SESSION_KEY: Final = "sign_up"


@dataclass(frozen=True)
class Link:
    """What the link of a sign-up proves: that whoever opens it reads mail at this address."""

    email: str

    @property
    def key(self) -> str:
        """As it stands in the link."""
        return signing.dumps(self.email, salt=SALT)

    @classmethod
    def read(cls, key: str) -> Link | None:
        """The link of a key; None for one that is not ours or too old."""
        try:
            return cls(signing.loads(key, salt=SALT, max_age=LASTS))
        except signing.BadSignature:
            return None


def begin(request: HttpRequest, email: str, password: str) -> None:
    """Send the mail of a sign-up, and keep the password for its confirmation in this browser.

    Takes the same time and leaves the same traces for every address. Within a minute of the last mail, and
    after six in an hour, none is sent: the links of the earlier ones still work.
    """
    request.session[SESSION_KEY] = {"email": email, "password": make_password(password)}
    adapter, link = get_adapter(), Link(email)
    address = absolute(request, reverse("accounts:sign_up_confirm", args=[link.key]))
    taken = confirmed_holder(email) is not None
    if ratelimit.consume(request, action="sign_up_mail", key=email):
        name = "account_already_exists" if taken else "sign_up"
        adapter.send_mail(f"account/email/{name}", email, {"link": address})


def password_of(request: HttpRequest, link: Link) -> str | None:
    """The hash of the password with which this browser signed up; None in any other browser."""
    kept = request.session.get(SESSION_KEY)
    return str(kept["password"]) if kept and kept["email"] == link.email else None


def finish(link: Link, password: str) -> User:
    """Make the account of a confirmed address; `password` is a hash. Accounts that merely claimed it lose it.

    Raises AddressTakenError where an account has confirmed it meanwhile.
    """
    try:
        with transaction.atomic():
            emails.release(link.email)
            user = User.objects.create(email=link.email, password=password)
            EmailAddress.objects.create(user=user, email=link.email, verified=True, primary=True)
    except IntegrityError as error:
        raise emails.AddressTakenError from error
    return user

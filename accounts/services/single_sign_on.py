"""Single sign-on by OpenID Connect: which account a person of the provider gets.

An account is found by issuer and subject. An address connects to an account only where the provider says that
it has verified the address: otherwise anybody could enter somebody else's address there, and get the account.
docs/decisions/0020 and 0030 explain why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final, Self

from allauth.account.adapter import get_adapter
from allauth.account.internal.emailkit import valid_email_or_none
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.email_selectors import confirmed_holder
from accounts.errors import AccountsError
from accounts.models import AuditAction, User
from accounts.services import audit, emails, invitations
from common.text import one_line

# The one provider's name in our URLs and rows.
PROVIDER: Final = "sso"
# In the session: who came from the provider and must confirm an address.
SESSION_KEY: Final = "single_sign_on"


class SignOnRefusedError(AccountsError):
    """This person of the provider gets no account here."""

    status = 403


class AnswerInvalidError(AccountsError):
    """The provider's answer breaks the protocol."""

    status = 502

    def __init__(self, why: str) -> None:
        super().__init__("invalid_answer", f"The identity provider's answer is not valid: {why}.")


@dataclass(frozen=True)
class Identity:
    """A person at the provider. uid: a digest of issuer and subject, so that another issuer's subjects are
    other people. email: in lower case, "" where the provider gave none.
    """

    uid: str
    email: str
    verified: bool
    name: str
    nonce: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Read the claims of the ID token and of the userinfo endpoint. Raises AnswerInvalidError."""
        token, info = answer.get("id_token"), answer.get("userinfo") or {}
        if not isinstance(token, Mapping) or not isinstance(info, Mapping):
            raise AnswerInvalidError("it has no ID token")
        issuer, subject = token.get("iss"), token.get("sub")
        if not isinstance(issuer, str) or not isinstance(subject, str) or not subject:
            raise AnswerInvalidError("the ID token names no issuer or no subject")
        # OpenID Connect Core 5.3.2: otherwise the userinfo may be another person's.
        if info and info.get("sub") != subject:
            raise AnswerInvalidError("ID token and userinfo name different subjects")
        # Address and verification belong together: both from the same place.
        claims = info if info.get("email") else token
        email = valid_email_or_none(str(claims.get("email") or "").strip()) or ""
        return cls(
            uid=sha256(f"{issuer}\n{subject}".encode()).hexdigest(),
            email=email.lower(),
            # Some providers write booleans as text. Every other value, also a missing one, means no.
            verified=bool(email) and str(claims.get("email_verified")).lower() == "true",
            name=one_line(str(info.get("name") or token.get("name") or ""))[:150],
            nonce=str(token.get("nonce") or ""),
        )

    @classmethod
    def restore(cls, kept: Mapping[str, Any]) -> Self:
        """The identity that `keep` wrote."""
        return cls(**kept)

    def keep(self) -> dict[str, Any]:
        """As JSON for a session."""
        return asdict(self)


def admit(identity: Identity) -> User | None:
    """Returns the account of a person whom the site does not know yet: connected by the verified address, or
    new.

    Returns None where the person may sign up, but must confirm the address by mail first. Raises
    SignOnRefusedError where the site gives this person no account.
    """
    mode = settings.OIDC_SIGN_UP
    if not identity.verified:
        if mode == "open":
            return None
        raise SignOnRefusedError(
            "address_not_verified",
            _(
                "%s did not confirm your e-mail address, so we cannot tell which account is yours. "
                "Sign in with your password, then connect it on the page “Single sign-on”."
            )
            % settings.OIDC_NAME,
        )
    holder = confirmed_holder(identity.email)
    if holder is not None:
        connect(holder, identity)
        return holder
    if mode == "closed" or (mode == "invitation" and not invitations.pending_for(identity.email)):
        raise _without_account(identity.email)
    return create(identity, invited_only=mode == "invitation")


def create(
    identity: Identity, *, email: str = "", confirmed: bool = True, invited_only: bool = False
) -> User:
    """Create an account without a password, connected to the provider.

    email: the address; by default the provider's. confirmed: whether the address is. Accounts that merely
    claimed a confirmed address lose it. invited_only: requires a pending invitation of the address. Raises
    SignOnRefusedError where that is missing, or the address or the identity got an account meanwhile.
    """
    address = email or identity.email
    try:
        with transaction.atomic():
            if confirmed:
                emails.release_unconfirmed(address)
            user = User.objects.create(email=address, name=identity.name, password=make_password(None))
            EmailAddress.objects.create(user=user, email=address, verified=confirmed, primary=True)
            invited = confirmed and invitations.close(user)
            if invited_only and not invited:
                raise _without_account(address)
            audit.record(AuditAction.SIGNED_UP, subject=user, actor=user, facts={"by": "single sign-on"})
            _add(user, identity)
    except (IntegrityError, emails.AddressTakenError) as error:
        raise SignOnRefusedError(
            "address_taken", _("The address %s has an account meanwhile. Sign in again.") % address
        ) from error
    return user


def connect(user: User, identity: Identity) -> bool:
    """Let a person of the provider sign in to an account, and tell its owner. Returns False where they could.

    Raises SignOnRefusedError where the identity belongs to another account.
    """
    try:
        with transaction.atomic():
            _add(user, identity)
    except IntegrityError as error:
        if SocialAccount.objects.filter(provider=PROVIDER, uid=identity.uid, user=user).exists():
            return False
        raise SignOnRefusedError(
            "connected_to_another",
            _("This account of %s belongs to another account here.") % settings.OIDC_NAME,
        ) from error
    emails.record_confirmed(user)
    _notify(user, "connected")
    return True


def disconnect(user: User, number: int) -> None:
    """Remove a connection of a user's account. Raises SignOnRefusedError where the account has no password
    and no other connection, and SocialAccount.DoesNotExist where the connection is not the user's.
    """
    with transaction.atomic():
        row = SocialAccount.objects.get(user=user, pk=number)
        others = SocialAccount.objects.filter(user=user).exclude(pk=number)
        if not user.has_usable_password() and not others.exists():
            raise SignOnRefusedError(
                "last_way_in", _("Set a password first. Otherwise you could not sign in any more.")
            )
        row.delete()
        audit.record(AuditAction.SINGLE_SIGN_ON_REMOVED, subject=user)
    _notify(user, "disconnected")


def connections_of(user: User) -> list[SocialAccount]:
    """A user's connections, the oldest first."""
    return list(SocialAccount.objects.filter(user=user).order_by("pk")[:20])


def _without_account(address: str) -> SignOnRefusedError:
    sentence = _("%s has no account on this site. Ask an administrator for one.") % address
    return SignOnRefusedError("sign_up_closed", sentence)


def _add(user: User, identity: Identity) -> None:
    with transaction.atomic():
        SocialAccount.objects.create(
            user=user, provider=PROVIDER, uid=identity.uid, extra_data={"email": identity.email}
        )
    audit.record(AuditAction.SINGLE_SIGN_ON_ADDED, subject=user, actor=user)


def _notify(user: User, what: str) -> None:
    get_adapter().send_notification_mail(
        f"account/email/single_sign_on_{what}", user, {"provider": settings.OIDC_NAME}
    )

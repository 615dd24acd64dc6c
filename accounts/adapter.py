"""Adapts django-allauth to the site's rules."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core import context as current
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.email_selectors import confirmed_holder
from accounts.factor_selectors import has_second_factor
from accounts.models import AuditAction, User
from accounts.services import audit, emails, erasures, sessions, suspension
from accounts.site import absolute
from common import mail
from common.addresses import client_address
from common.after_commit import after_commit

# Mails that somebody asked for and waits for: if one cannot be sent, they are told. All others tell of
# something that has already happened: if one of those cannot be sent, that is only logged.
AWAITED: Final = frozenset(
    f"account/email/{name}"
    for name in (
        "account_already_exists",
        "address_wanted",
        "email_confirmation",
        "email_confirmation_signup",
        "invitation",
        "password_reset_key",
        "sign_up",
        "unknown_account",
    )
)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Decides who may sign up, how attempts are rate limited, and the address of links in e-mails."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether sign-up is open."""
        return bool(settings.SIGN_UP == "open")

    def clean_email(self, email: str) -> str:
        """Limits the length to the database column's; forms accept 320 characters."""
        if len(email) > 254:
            raise ValidationError(_("An address has at most 254 letters."), code="max_length")
        return email

    def get_client_ip(self, request: HttpRequest) -> str:
        """Returns the client's address as in the rest of the site; "unknown" where there is none."""
        return client_address(request) or "unknown"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Returns the key for counting failed sign-ins: client address and account together.

        Counted by account alone, a stranger could lock its owner out. An IPv6 /64 counts as one client.
        """
        login = str(credentials.get("email", "")).lower()
        return f"{_client_network(self.get_client_ip(request))}|{login}"

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Returns the user for these credentials; records the address of an account made by staff."""
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            emails.record_confirmed(user)
        return user

    def set_password(self, user: User, password: str) -> None:
        """Set the password. This ends all sessions, because Django signs them with the password's hash."""
        super().set_password(user, password)
        sessions.notify_session_end(user.pk)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Note the failed sign-in with the account of the address, if there is one."""
        super().authentication_failed(request, **credentials)
        holder = confirmed_holder(str(credentials.get("email", "")).lower())
        audit.record_alone(AuditAction.SIGN_IN_FAILED, subject=holder)

    def pre_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse | None:
        """Refuses a suspended account with a page that says so, whichever way its owner signs in."""
        refusal: HttpResponse | None = super().pre_login(request, user, **facts)
        if refusal is not None or not user.is_suspended:
            return refusal
        clear_login(request)
        context = {"suspended": user, "explanation": suspension.explanation_of(user)}
        return render(request, "account/suspended.html", context, status=403)

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign the user in, and note it."""
        with transaction.atomic():
            super().login(request, user)
            by_passkey = did_use_passwordless_login(request, user)
            action = AuditAction.SIGNED_IN_WITH_PASSKEY if by_passkey else AuditAction.SIGNED_IN
            audit.record(action, subject=user, actor=user)
            sessions.forget_dead(user)
            sessions.note_use(request, user)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Answers the right password of a closed account. One that waits for its erasure can be kept."""
        erasure = erasures.pending(user)
        if erasure is None:
            response: HttpResponse = super().respond_user_inactive(request, user)
            return response
        # A passkey alone is both factors.
        code = has_second_factor(user) and not did_use_passwordless_login(request, user)
        erasures.offer(request, erasure, needs_code=code)
        return redirect("accounts:keep")

    def logout(self, request: HttpRequest) -> None:
        """Sign out and announce that a session ended."""
        user: User | AnonymousUser = request.user
        with transaction.atomic():
            if isinstance(user.pk, int):
                audit.record(AuditAction.SIGNED_OUT, subject=user.pk)
                sessions.forget(request.session.session_key or "")
                sessions.notify_session_end(user.pk)
            super().logout(request)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Returns the link that confirms an e-mail address."""
        return absolute(request, reverse("account_confirm_email", args=[emailconfirmation.key]))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Returns the link that sets a new password."""
        user, _dash, secret = key.partition("-")
        return absolute(
            current.request,
            reverse("account_reset_password_from_key", kwargs={"uidb36": user, "key": secret}),
        )

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send an e-mail with the site's configured name and address, not with the request's Host header.

        Where the mail server is unavailable the response is a 503; for a mere notification the failure is
        only logged. A notification is sent after the commit.
        """
        request = current.request
        site = {
            "email": email,
            "site_address": absolute(request, reverse("jobs:studio")),
            "sign_in_address": absolute(request, reverse("account_login")),
            "sign_up_address": absolute(request, reverse("account_signup")),
            "reset_address": absolute(request, reverse("account_reset_password")),
            "sign_up_open": self.is_open_for_signup(request),
        }
        message = mail.compose(template_prefix, email, {**context, **site}, request=request)
        if template_prefix not in AWAITED or _account_is_open_already(template_prefix):
            after_commit(mail.deliver, template_prefix, message)
        elif not mail.deliver(template_prefix, message):
            raise ImmediateHttpResponse(render(request, "account/mail_away.html", status=503))


def _account_is_open_already(template_prefix: str) -> bool:
    """Whether a new account works without its confirmation: then a lost mail must not hide the account."""
    optional = settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory"
    return optional and template_prefix == "account/email/email_confirmation_signup"


def _client_network(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{known}/64", strict=False)) if isinstance(known, IPv6Address) else address

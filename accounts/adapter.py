"""Where the site's rules meet django-allauth's."""

from __future__ import annotations

import logging
from ipaddress import IPv6Address, ip_address, ip_network
from smtplib import SMTPException
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import emails, sessions
from accounts.site import absolute
from common.addresses import client_address

logger = logging.getLogger(__name__)

# Mails that tell of something that has happened: where one cannot be sent, it has happened all the same.
NOTICES: Final = frozenset(
    f"account/email/{name}"
    for name in ("email_changed", "password_changed", "password_reset", "password_set")
)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Who may sign up, what attempts are counted by, and where links in mails lead."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether a stranger may make an account here."""
        return bool(settings.SIGN_UP == "open")

    def clean_email(self, email: str) -> str:
        """The address, where the database has room for it: forms take 320 letters."""
        if len(email) > 254:
            raise ValidationError(_("An address has at most 254 letters."), code="max_length")
        return email

    def get_client_ip(self, request: HttpRequest) -> str:
        """The client's address as the rest of the site knows it; one word for those without any."""
        return client_address(request) or "unknown"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """What wrong passwords are counted by: where they come from and the account, together.

        By the account alone a stranger could keep its owner out. An IPv6 network of 64 bits is one place.
        """
        login = str(credentials.get("email", "")).lower()
        return f"{_place(self.get_client_ip(request))}|{login}"

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The user of an address and a password, whose address is then written down as far as it is known."""
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            emails.adopt(user)
        return user

    def set_password(self, user: User, password: str) -> None:
        """Another password ends all sessions: Django signs them with it."""
        super().set_password(user, password)
        sessions.may_have_ended(user.pk)

    def logout(self, request: HttpRequest) -> None:
        """Sign out."""
        user: User | AnonymousUser = request.user
        super().logout(request)
        if isinstance(user.pk, int):
            sessions.may_have_ended(user.pk)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """The link that confirms an address."""
        return absolute(request, reverse("account_confirm_email", args=[emailconfirmation.key]))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link that sets a new password."""
        user, _dash, secret = key.partition("-")
        return absolute(
            current.request,
            reverse("account_reset_password_from_key", kwargs={"uidb36": user, "key": secret}),
        )

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail that names the site by its own name and address, not by the request's Host header.

        Where the mail server is away the answer is a 503; a notice of what has happened is only logged.
        """
        request = current.request
        site = {
            "site_name": settings.SITE_NAME,
            "site_address": absolute(request, reverse("jobs:studio")),
            "sign_in_address": absolute(request, reverse("account_login")),
            "sign_up_address": absolute(request, reverse("account_signup")),
            "reset_address": absolute(request, reverse("account_reset_password")),
            "sign_up_open": self.is_open_for_signup(request),
        }
        try:
            super().send_mail(template_prefix, email, {**context, **site})
        except (OSError, SMTPException) as error:
            logger.error("the mail %s could not be sent: %s", template_prefix, error)
            if template_prefix not in NOTICES:
                away = render(request, "account/mail_away.html", status=503)
                raise ImmediateHttpResponse(away) from error


def _place(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{known}/64", strict=False)) if isinstance(known, IPv6Address) else address

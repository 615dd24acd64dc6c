"""Adapts django-allauth's single sign-on: our service decides which account a person of the provider gets."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base import AuthProcess, ProviderException
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import single_sign_on
from accounts.services.single_sign_on import AnswerInvalidError, Identity, SignOnRefusedError

logger = logging.getLogger(__name__)


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Reads the provider's answer once, and keeps nothing of it but the address."""

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> User:
        """Read the identity. Runs before allauth looks for its account."""
        try:
            identity = Identity.read(sociallogin.account.extra_data)
        except AnswerInvalidError as error:
            raise ProviderException(error.sentence) from error
        sociallogin.identity = identity
        sociallogin.account.uid = identity.uid
        sociallogin.account.extra_data = {"email": identity.email}
        user: User = sociallogin.user
        user.email, user.name = identity.email, identity.name
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Connect the signed-in account, or find or create the account to sign in to."""
        identity: Identity = sociallogin.identity
        expected = str((sociallogin.state.get("data") or {}).get("nonce") or "")
        if not expected or not constant_time_compare(identity.nonce, expected):
            raise ProviderException("the ID token was made for another sign-in: its nonce differs")
        # Neither the database nor the session needs the provider's access token.
        sociallogin.token = None
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(_connect(request, identity))
        if sociallogin.is_existing:
            return
        try:
            user = single_sign_on.admit(identity)
        except SignOnRefusedError as error:
            raise ImmediateHttpResponse(refused(request, error)) from error
        if user is None:
            request.session[single_sign_on.SESSION_KEY] = identity.keep()
            raise ImmediateHttpResponse(redirect("socialaccount_signup"))
        sociallogin.user = user

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never: our service has made the account before allauth would."""
        return False

    def authenticate_by_email(self, sociallogin: Any) -> None:
        """Our service connects accounts by verified addresses."""
        return

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, **_more: Any
    ) -> None:
        """Log why a sign-in failed; the page does not tell."""
        logger.warning("single sign-on failed (%s): %s", error, exception)


def refused(request: HttpRequest, error: SignOnRefusedError) -> HttpResponse:
    """The page that says why this person of the provider gets no account."""
    return render(
        request, "socialaccount/refused.html", {"sentence": error.sentence}, status=HTTPStatus.FORBIDDEN
    )


def _connect(request: HttpRequest, identity: Identity) -> HttpResponse:
    if not isinstance(request.user, User):
        return redirect("account_login")
    try:
        if single_sign_on.connect(request.user, identity):
            messages.success(request, _("You can now sign in with %s.") % settings.OIDC_NAME)
    except SignOnRefusedError as error:
        messages.error(request, error.sentence)
    return redirect("socialaccount_connections")

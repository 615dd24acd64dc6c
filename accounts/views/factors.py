"""Second factors of an account: authenticator app, passkeys, recovery codes.

django-allauth's views check and ask; what they store goes through our service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.internal.auth import clear_totp_secret
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _

from accounts.current_user import user_of
from accounts.factor_selectors import has_second_factor, lacks_required_factor, passkeys_of
from accounts.services import factors


class SecondStepView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    """The second step of a sign-in: a code, or a passkey."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether the account has passkeys."""
        has_passkeys = passkeys_of(self.stage.login.user) > 0
        return {**super().get_context_data(**kwargs), "has_passkeys": has_passkeys}


class ConfirmPasskeyView(ReauthenticateWebAuthnView):  # type: ignore[misc]
    """A passkey before a change of the account."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Back to the question, with an explanation."""
        messages.error(self.request, _("That passkey did not work. Try again, or choose another way."))
        return redirect(f"{reverse('mfa_reauthenticate_webauthn')}?{self.request.GET.urlencode()}")


class OverviewView(IndexView):  # type: ignore[misc]  # allauth ships no types
    """All factors of the account on one page."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether the site requires a factor of this person."""
        required = lacks_required_factor(user_of(self.request))
        return {**super().get_context_data(**kwargs), "required": required}


class AddAppView(ActivateTOTPView):  # type: ignore[misc]
    """Shows the QR code, and adds the app by its first code."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Add it."""
        answer = _add(
            self.request,
            lambda: factors.add_totp(user_of(self.request), form.secret),
            _("The authenticator app is added."),
        )
        clear_totp_secret(self.request)
        return answer


class RemoveAppView(DeactivateTOTPView):  # type: ignore[misc]
    """Asks, and removes the app."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it."""
        return _remove(self.request, self.authenticator, _("The authenticator app is removed."))


class AddPasskeyView(AddWebAuthnView):  # type: ignore[misc]
    """Adds a passkey, by a script."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Add it."""
        data = form.cleaned_data
        return _add(
            self.request,
            lambda: factors.add_passkey(user_of(self.request), data["name"], data["credential"]),
            _("The passkey is added."),
        )


class RenamePasskeyView(EditWebAuthnView):  # type: ignore[misc]
    """Renames a passkey."""

    success_url = reverse_lazy("mfa_index")


class RemovePasskeyView(RemoveWebAuthnView):  # type: ignore[misc]
    """Asks, and removes a passkey."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it."""
        return _remove(self.request, self.object, _("The passkey is removed."))


class MakeCodesView(GenerateRecoveryCodesView):  # type: ignore[misc]
    """Asks, and makes new recovery codes."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Without a factor there is nothing to ask: back to the overview, with an explanation."""
        if request.user.is_authenticated and not has_second_factor(user_of(request)):
            messages.error(request, _("Add an authenticator app or a passkey first."))
            return redirect("mfa_index")
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer

    def form_valid(self, form: Any) -> HttpResponse:
        """Make them."""
        try:
            factors.make_codes(user_of(self.request))
        except factors.FactorRefusedError as error:
            messages.error(self.request, error.sentence)
            return redirect("mfa_index")
        return redirect("mfa_view_recovery_codes")


def _add(request: HttpRequest, add: Callable[[], bool], done: str) -> HttpResponse:
    """Adds a factor; leads to the recovery codes where these are new."""
    try:
        with_codes = add()
    except factors.FactorRefusedError as error:
        messages.error(request, error.sentence)
        return redirect("mfa_index")
    messages.success(request, done)
    return redirect("mfa_view_recovery_codes" if with_codes else "mfa_index")


def _remove(request: HttpRequest, factor: Authenticator, done: str) -> HttpResponse:
    if factors.remove(user_of(request), factor):
        messages.success(request, done)
    return redirect("mfa_index")

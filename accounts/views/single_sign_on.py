"""Single sign-on: the way to the provider and back, and the page with an account's connections."""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.account.utils import complete_signup, get_next_redirect_url
from allauth.core import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from requests import RequestException

from accounts.current_user import user_of
from accounts.email_selectors import is_unknown
from accounts.errors import AccountsError
from accounts.services import sign_up, single_sign_on
from accounts.services.single_sign_on import Identity, SignOnRefusedError
from accounts.signing_forms import SignOnAddressForm
from accounts.social_adapter import refused

logger = logging.getLogger(__name__)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the provider. Needs a POST, so that no other site starts a sign-in.

    The answer is a page that leads on, not a redirect: browsers apply the form's `form-action` to redirects,
    and the provider's pages may be on several origins.
    """
    provider = _provider(request, provider_id)
    if request.method != "POST":
        return redirect("account_login")
    connect = request.POST.get("process") == AuthProcess.CONNECT
    if connect and is_reauthentication_required(request, app="allauth.socialaccount"):
        return redirect("socialaccount_connections")
    nonce = secrets.token_urlsafe(24)
    try:
        answer: HttpResponse = provider.redirect(
            request,
            AuthProcess.CONNECT if connect else AuthProcess.LOGIN,
            next_url=None if connect else get_next_redirect_url(request),
            data={"nonce": nonce},
            auth_params={"nonce": nonce},
        )
    except (RequestException, KeyError, ValueError) as error:
        return _failed(request, error)
    if not isinstance(answer, HttpResponseRedirect):
        return answer
    return render(request, "socialaccount/leave.html", {"address": answer.url})


@never_cache
@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The address to which the provider sends the browser back."""
    _provider(request, provider_id)
    try:
        answer: HttpResponse = openid_connect.callback(request, provider_id)
    except (KeyError, TypeError, ValueError, ImproperlyConfigured) as error:
        # The provider's answer lacks a field, or a field is no text.
        return _failed(request, error)
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest) -> HttpResponse:
    """Ask a person of the provider for an address and send the confirmation link there.

    Only for people whose address the provider did not verify. The answer is the same for every address.
    """
    kept = request.session.get(single_sign_on.SESSION_KEY)
    if not kept or settings.OIDC_SIGN_UP != "open" or request.user.is_authenticated:
        return redirect("account_login")
    refusal: HttpResponse | None = ratelimit.consume_or_429(request, action="signup")
    if refusal is not None:
        return refusal
    identity = Identity.restore(kept)
    data = request.POST if request.method == "POST" else None
    form = SignOnAddressForm(data, initial={"email": identity.email})
    if request.method != "POST" or not form.is_valid():
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return render(request, "socialaccount/signup.html", {"form": form}, status=status)
    email: str = form.cleaned_data["email"]
    del request.session[single_sign_on.SESSION_KEY]
    answer: HttpResponse
    if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory" and is_unknown(email):
        try:
            user = single_sign_on.create(identity, email=email, confirmed=False)
        except SignOnRefusedError as error:
            return refused(request, error)
        answer = complete_signup(request, user, None, reverse("jobs:studio"))
    else:
        sign_up.begin(request, email, identity=identity)
        answer = get_account_adapter().respond_email_verification_sent(request, None)
    return answer


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def connections(request: HttpRequest) -> HttpResponse:
    """The people of the provider who can sign in to the account. A POST removes one."""
    if not settings.OIDC_ISSUER:
        raise Http404("This site has no single sign-on.")
    answer: HttpResponse = _connections(request)
    return answer


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth ships no types
def _connections(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    if request.method == "POST":
        number = request.POST.get("connection", "")
        try:
            single_sign_on.disconnect(user, int(number) if number.isdecimal() and len(number) < 19 else 0)
            messages.success(request, _("Removed. This way to sign in no longer works."))
        except SocialAccount.DoesNotExist:
            raise Http404("No such connection.") from None
        except AccountsError as error:
            messages.error(request, error.sentence)
        return redirect("socialaccount_connections")
    context = {"connections": single_sign_on.connections_of(user)}
    return render(request, "socialaccount/connections.html", context)


def _provider(request: HttpRequest, provider_id: str) -> Any:
    """Raises Http404 where the site has no such provider."""
    if not settings.OIDC_ISSUER or provider_id != single_sign_on.PROVIDER:
        raise Http404("This site has no such provider.")
    try:
        return get_adapter().get_provider(request, provider_id)
    except SocialApp.DoesNotExist:
        raise Http404("This site has no such provider.") from None


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("single sign-on failed: %s", error)
    return render(request, "socialaccount/authentication_error.html", status=HTTPStatus.BAD_GATEWAY)

"""A person's tokens: list, create, rotate and revoke."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import TokenChoiceError, TokenRefusedError
from accounts.forms import TokenForm
from accounts.models import ApiToken, User
from accounts.services import tokens as service

REVOKED_SHOWN = 20


@login_required
@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Show the list and a form; after a POST, the new token with its secret, once."""
    user = cast(User, request.user)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            token, secret = service.create(user, data["name"], data["scopes"], **form.choices())
        except TokenChoiceError as error:
            form.add_service_error(error.field, error.sentence)
        else:
            # No redirect: the secret would have to be stored in between.
            return _page(request, TokenForm(), token, secret)
    return _page(request, form)


@login_required
@never_cache
@sensitive_variables("secret")
@require_POST
def rotate(request: HttpRequest, token_id: int) -> HttpResponse:
    """Replace a token's secret and show it once."""
    token = _own(request, token_id)
    try:
        secret = service.rotate(token)
    except TokenRefusedError as error:
        messages.error(request, error.sentence)
        return redirect("accounts:tokens")
    return _page(request, TokenForm(), token, secret)


@login_required
@never_cache
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Revoke a token."""
    token = _own(request, token_id)
    others = service.revoke(token) - 1
    with_it = f", with {others} that it created" if others > 0 else ""
    messages.success(request, f"“{token.name}” is revoked{with_it}. It no longer works.")
    return redirect("accounts:tokens")


def _own(request: HttpRequest, token_id: int) -> ApiToken:
    found: ApiToken = get_object_or_404(ApiToken.objects.for_user(cast(User, request.user)), pk=token_id)
    return found


def _page(
    request: HttpRequest, form: TokenForm, fresh: ApiToken | None = None, secret: str = ""
) -> HttpResponse:
    mine = ApiToken.objects.for_user(cast(User, request.user))
    context = {
        "form": form,
        "live": mine.filter(revoked_at__isnull=True).select_related("made_by"),
        "revoked": mine.filter(revoked_at__isnull=False).order_by("-revoked_at")[:REVOKED_SHOWN],
        "fresh": fresh,
        "secret": secret,
    }
    return render(request, "accounts/tokens.html", context, status=400 if form.errors else 200)

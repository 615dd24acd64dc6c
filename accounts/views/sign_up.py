"""The sign-up link; opening it creates the account."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from allauth.account.utils import complete_signup
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.email_selectors import confirmed_holder
from accounts.models import User
from accounts.services import emails, sign_up
from accounts.signing_forms import NewPasswordForm

PAGE = "account/sign_up_confirm.html"


@never_cache
@sensitive_post_parameters("password1", "password2")
@sensitive_variables("password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, key: str) -> HttpResponse:
    """Show a button in the browser that signed up, or password fields in any other; then sign in."""
    link = sign_up.Link.read(key)
    kept = sign_up.kept_of(request, link) if link else None
    if (settings.OIDC_SIGN_UP if kept and kept.identity else settings.SIGN_UP) != "open":
        return render(request, "account/signup_closed.html")
    if link is None:
        return render(request, PAGE, {"state": "dead"})
    if confirmed_holder(link.email) is not None:
        return render(request, PAGE, {"state": "taken", "email": link.email})
    if request.user.is_authenticated:
        return render(request, PAGE, {"state": "signed in", "email": link.email})
    data = request.POST if request.method == "POST" else None
    form = None if kept else NewPasswordForm(User(email=link.email), data)
    context = {"state": "ask", "email": link.email, "form": form, "key": key}
    if request.method != "POST" or (form is not None and not form.is_valid()):
        status = HTTPStatus.BAD_REQUEST if form is not None and form.errors else HTTPStatus.OK
        return render(request, PAGE, context, status=status)
    try:
        if kept is not None:
            user = sign_up.finish(link, kept.password, kept.identity)
        else:
            user = sign_up.finish(link, make_password(cast(NewPasswordForm, form).cleaned_data["password1"]))
    except emails.AddressTakenError:
        return render(request, PAGE, {"state": "taken", "email": link.email}, status=HTTPStatus.CONFLICT)
    request.session.pop(sign_up.SESSION_KEY, None)
    answer: HttpResponse = complete_signup(request, user, None, reverse("jobs:studio"))
    return answer

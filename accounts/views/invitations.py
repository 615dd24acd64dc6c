"""The page of an invitation's link; accepting it creates the account."""

from __future__ import annotations

from http import HTTPStatus

from allauth.account.utils import complete_signup
from allauth.core import ratelimit
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.services import invitations
from accounts.signing_forms import NewPasswordForm

PAGE = "account/invitation.html"


@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for a password; a POST creates the account and signs in.

    The answer is the same for a used, an expired, a revoked and an unknown link.
    """
    refusal: HttpResponse | None = ratelimit.consume_or_429(request, action="invitation_link")
    if refusal is not None:
        return refusal
    found = invitations.find(key)
    if found is None:
        return render(request, PAGE, {"state": "dead"}, status=HTTPStatus.NOT_FOUND)
    if request.user.is_authenticated:
        return render(request, PAGE, {"state": "signed in", "email": found.email})
    form = NewPasswordForm(User(email=found.email), request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return render(
            request, PAGE, {"state": "ask", "email": found.email, "form": form, "key": key}, status=status
        )
    try:
        user = invitations.accept(found, make_password(form.cleaned_data["password1"]))
    except invitations.InvitationGoneError:
        return render(request, PAGE, {"state": "dead"}, status=HTTPStatus.NOT_FOUND)
    answer: HttpResponse = complete_signup(request, user, None, reverse("jobs:studio"))
    return answer

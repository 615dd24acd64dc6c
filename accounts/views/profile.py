"""The page "Profile": name, language, time zone."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.current_user import user_of
from accounts.forms import ProfileForm
from accounts.services import profile as service


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show the three, or store them."""
    user = user_of(request)
    data = request.POST if request.method == "POST" else None
    known = {"name": user.name, "language": user.language, "time_zone": user.time_zone}
    form = ProfileForm(data, initial=known)
    if request.method != "POST" or not form.is_valid():
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return render(request, "accounts/profile.html", {"form": form}, status=status)
    service.change(user, **form.cleaned_data)
    messages.success(request, _("Your profile is saved."))
    return redirect("accounts:profile")

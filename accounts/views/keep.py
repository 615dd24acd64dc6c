"""Keep an account that waits for its erasure: the page after signing in to it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.errors import ErasureRefusedError
from accounts.factor_forms import CodeStepForm
from accounts.models import User
from accounts.services import erasures


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keep(request: HttpRequest) -> HttpResponse:
    """Asks whether to keep the account, and for a code if it has a second factor.

    Only for a browser that has just given its password.
    """
    erasure = erasures.offered(request)
    if erasure is None:
        return redirect("account_login")
    form = None
    if erasures.needs_code(request):
        owner = User.objects.get(pk=erasure.account)
        form = CodeStepForm(request.POST if request.method == "POST" else None, user=owner)  # type: ignore[call-arg]  # allauth ships no types
    if request.method != "POST" or (form is not None and not form.is_valid()):
        refused = request.method == "POST"
        context = {"erasure": erasure, "form": form}
        return render(request, "accounts/keep.html", context, status=400 if refused else 200)
    try:
        erasures.cancel(erasure)
    except ErasureRefusedError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, _("Your account is open again. Sign in."))
    return redirect("account_login")

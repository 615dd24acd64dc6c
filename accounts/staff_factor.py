"""Staff need a second factor: without one, the administration leads them to the page that adds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from accounts.factor_selectors import lacks_required_factor
from accounts.models import User

# The administration's own URLs that need none: they show nothing.
OPEN: Final = frozenset({"admin:login", "admin:logout", "admin:jsi18n"})


class StaffFactorMiddleware(MiddlewareMixin):
    """Guards every URL of the administration while STAFF_MFA is on."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Redirects staff without a second factor."""
        match = request.resolver_match
        if match is None or "admin" not in match.namespaces or match.view_name in OPEN:
            return None
        user = request.user
        if not isinstance(user, User) or not lacks_required_factor(user):
            return None
        messages.warning(
            request,
            _("Staff need a second factor. Add an authenticator app or a passkey, then open the page again."),
        )
        return redirect("mfa_index")

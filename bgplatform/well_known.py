"""The well-known URLs: whom to tell about a vulnerability, and where a password is changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

# RFC 9116 asks for less than a year. Each answer has a new date: while the site runs, the contact stands.
VALID: Final = timedelta(days=180)


@require_safe
@cache_control(public=True, max_age=3_600)
def security_txt(request: HttpRequest) -> HttpResponse:
    """security.txt (RFC 9116), where SECURITY_CONTACT is set."""
    if not settings.SECURITY_CONTACT:
        raise Http404("This site names no contact for security.")
    expires = (timezone.now() + VALID).strftime("%Y-%m-%dT00:00:00Z")
    lines = [f"Contact: {settings.SECURITY_CONTACT}", f"Expires: {expires}", "Preferred-Languages: en"]
    if settings.SITE_URL:
        lines.append(f"Canonical: {settings.SITE_URL}{request.path}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def change_password(request: HttpRequest) -> HttpResponseRedirect:
    """The URL that password managers open (W3C, "A Well-Known URL for Changing Passwords")."""
    return HttpResponseRedirect(reverse("account_change_password"))

"""A signed-in person's language and time zone, for the pages of the request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import User
from accounts.time_zones import all_names

Answer = Callable[[HttpRequest], HttpResponse]


class PreferencesMiddleware:
    """Activates what the person chose on the page "Profile". Stands inside LocaleMiddleware, which activates
    the browser's language, and inside the middleware that knows the user.
    """

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request in the person's language and time zone."""
        # Without a session there is no person, and no query is worth it.
        user = request.user if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        if not isinstance(user, User):
            return self._get_response(request)
        if user.language in dict(settings.LANGUAGES):
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
        zone = ZoneInfo(user.time_zone) if user.time_zone in all_names() else None
        with timezone.override(zone) if zone else nullcontext():
            return self._get_response(request)

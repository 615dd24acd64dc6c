"""The site's address for e-mails, and whether e-mails go to the log."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def absolute(request: HttpRequest, path: str) -> str:
    """Returns the absolute URL of a path: below SITE_URL, or, where that is not set, by the request's host.

    The client controls the Host header: without SITE_URL a stranger could choose where links in other
    people's e-mails lead.
    """
    return f"{settings.SITE_URL}{path}" if settings.SITE_URL else request.build_absolute_uri(path)


def mail_in_log() -> bool:
    """Whether e-mails go to the server's log because no mail server is configured."""
    return bool(settings.EMAIL_BACKEND.endswith(".console.EmailBackend"))

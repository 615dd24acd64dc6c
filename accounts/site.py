"""Where the site is, for what leaves it by mail, and where its mail goes."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def absolute(request: HttpRequest, path: str) -> str:
    """The full address of a path of ours: below SITE_URL, and only without one below what the request says.

    The Host header is the client's: with it a stranger would choose where the links of other people's mails
    lead.
    """
    return f"{settings.SITE_URL}{path}" if settings.SITE_URL else request.build_absolute_uri(path)


def mail_in_log() -> bool:
    """Whether mails are printed into the server's log, because no mail server is configured."""
    return bool(settings.EMAIL_BACKEND.endswith(".console.EmailBackend"))

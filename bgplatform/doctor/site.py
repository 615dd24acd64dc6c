"""How others reach the site: address, proxy, HTTPS, mail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import urllib3
from django.conf import settings
from django.core.mail import get_connection

from bgplatform.doctor.finding import Finding, error, ok, warning

SECONDS: Final = 5.0


def check() -> Iterator[Finding]:
    """Yields the findings."""
    yield from _address()
    yield _mail()


def _address() -> Iterator[Finding]:
    site = settings.SITE_URL
    if not site:
        yield warning(
            "address",
            "SITE_URL is not set: mails and webhooks take the address of a request.",
            "Set SITE_URL.",
        )
        return
    if site.startswith("https://") != settings.HTTPS:
        yield error(
            "HTTPS",
            f"SITE_URL is {site}, and HTTPS is {str(settings.HTTPS).lower()}.",
            "Set HTTPS=true exactly where browsers use https://.",
        )
    try:
        answer = urllib3.request(
            "GET", f"{site}{settings.PATH_PREFIX}/healthz", timeout=SECONDS, retries=False, redirect=False
        )
    except urllib3.exceptions.HTTPError as problem:
        yield warning(
            "address",
            f"{site} cannot be reached from here: {problem}",
            "Nothing, if this machine may not reach it; otherwise check the proxy and the name's DNS entry.",
        )
        return
    if answer.status == 200 and _is_ours(answer.data):
        yield ok("address", f"{site} answers.")
    else:
        yield error(
            "address",
            f"{site}{settings.PATH_PREFIX}/healthz answers {answer.status}, and not as this site.",
            "Check the proxy (docs/proxy.md), ALLOWED_HOSTS and PATH_PREFIX.",
        )


def _is_ours(body: bytes) -> bool:
    try:
        return bool(json.loads(body) == {"status": "ok"})
    except ValueError:
        return False


def _mail() -> Finding:
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return warning(
            "mail", "Mails go to the log: nobody can confirm an address.", "Set EMAIL_URL to a mail server."
        )
    mail = get_connection(timeout=SECONDS)
    try:
        mail.open()
        mail.close()
    except OSError as problem:
        return error("mail", f"The mail server does not accept a connection: {problem}", "Check EMAIL_URL.")
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        return warning(
            "mail", f"Mails come from {settings.DEFAULT_FROM_EMAIL}: servers refuse that.", "Set MAIL_FROM."
        )
    return ok("mail", "The mail server accepts a connection.")

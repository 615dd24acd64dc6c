"""Notices by mail about things that have already happened, sent by any process.

A mail that cannot be sent is logged: it must not undo what it tells about.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from common.after_commit import after_commit

logger = logging.getLogger(__name__)


def send(name: str, to: str, context: Mapping[str, object]) -> None:
    """Sends the mail of the templates `mail/<name>_…` to an address, once this transaction stands."""
    after_commit(_deliver, name, to, dict(context))


def address(view: str) -> str:
    """Returns the address of a page for a mail. Without SITE_URL it is the path alone."""
    path = reverse(view)
    prefix = "" if path.startswith(f"{settings.PATH_PREFIX}/") else settings.PATH_PREFIX
    return f"{settings.SITE_URL}{prefix}{path}"


def _deliver(name: str, to: str, context: dict[str, object]) -> None:
    data = {"site_name": settings.SITE_NAME, "site_address": address("jobs:studio"), **context}
    subject = " ".join(render_to_string(f"mail/{name}_subject.txt", data).split())
    text = render_to_string(f"mail/{name}_message.txt", data).strip()
    try:
        send_mail(f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}", f"{text}\n", None, [to])
    except (OSError, SMTPException) as error:
        logger.error("the notice %s could not be sent: %s", name, error)

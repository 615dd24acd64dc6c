"""Mails: one text template gives the plain text and the HTML of our design.

A mail is a pair of templates, `NAME_subject.txt` and `NAME_message.txt`. The message extends
`account/email/base_message.txt` and is written in paragraphs. `{% mail_link address label %}` in a paragraph
of its own is the address in the plain text and a button in the HTML. Nothing else becomes a link, so words of
a stranger cannot bring one along.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi, override

from common.after_commit import after_commit

logger = logging.getLogger(__name__)

# What follows is the signature, by a convention of plain-text mail.
SIGNATURE: Final = "\n-- \n"
# Tells mail programs not to answer with "I am on holiday" (RFC 3834).
HEADERS: Final = {"Auto-Submitted": "auto-generated"}


@dataclass(frozen=True)
class Part:
    """A paragraph of the HTML. kind: text, list or button. lines: of a button, its address."""

    kind: str
    lines: list[str]
    label: str = ""


def send(template: str, to: str, context: Mapping[str, object], *, language: str | None = None) -> None:
    """Send a mail once this transaction stands. A failure is only logged: what happened stays.

    template: its name without `_subject.txt`, such as "mail/pictures_deleted". language: of the reader, such
    as "de"; without one, the active language.
    """
    after_commit(deliver, template, compose(template, to, context, language=language))


def deliver(template: str, message: EmailMultiAlternatives) -> bool:
    """Hand a mail to the mail server now. Returns False, and logs it, where the server cannot be reached."""
    try:
        message.send()
    except (OSError, SMTPException) as error:
        logger.error("the e-mail %s could not be sent: %s", template, error)
        return False
    return True


def compose(
    template: str,
    to: str,
    context: Mapping[str, object],
    *,
    language: str | None = None,
    request: HttpRequest | None = None,
) -> EmailMultiAlternatives:
    """Returns a mail in both forms. Its templates get `context`, `site_name` and `site_address`."""
    links: dict[str, str] = {}
    data: dict[str, object] = {
        "site_name": settings.SITE_NAME,
        "site_address": address("jobs:studio"),
        "mail_links": links,
        **context,
    }
    with override(language) if language else nullcontext():
        subject = " ".join(render_to_string(f"{template}_subject.txt", data).split())
        text = render_to_string(f"{template}_message.txt", data, request).strip()
        look = {
            **data,
            "subject": subject,
            "language": get_language() or settings.LANGUAGE_CODE,
            "direction": "rtl" if get_language_bidi() else "ltr",
            "parts": _parts(text.rsplit(SIGNATURE, 1)[0], links),
        }
        html = render_to_string("mail/base.html", look)
    message = EmailMultiAlternatives(
        f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}", f"{text}\n", to=[to], headers=HEADERS
    )
    message.attach_alternative(html, "text/html")
    return message


def address(view: str, *args: object) -> str:
    """Returns the absolute URL of a view, below SITE_URL, for mails that are sent outside a request."""
    path = reverse(view, args=args)
    # Django knows the prefix in threads that answer a request, not in those of a worker.
    prefix = "" if path.startswith(f"{settings.PATH_PREFIX}/") else settings.PATH_PREFIX
    return f"{settings.SITE_URL}{prefix}{path}"


def _parts(text: str, links: Mapping[str, str]) -> list[Part]:
    """Returns the paragraphs of a text."""
    paragraphs = (paragraph.strip() for paragraph in text.split("\n\n"))
    return [_part(paragraph, links) for paragraph in paragraphs if paragraph]


def _part(paragraph: str, links: Mapping[str, str]) -> Part:
    if paragraph in links:
        return Part("button", [paragraph], links[paragraph])
    lines = paragraph.splitlines()
    if all(line.startswith("- ") for line in lines):
        return Part("list", [line.removeprefix("- ") for line in lines])
    return Part("text", lines)

"""Mails to the person about decisions. A mail that cannot be sent is logged; the pages tell the same."""

from __future__ import annotations

from django.conf import settings
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts import time_zones
from common import mail
from jobs.models import Appeal, Decision, DecisionAction
from jobs.moderation import links


def what_happened(decision: Decision) -> str:
    """A sentence for the person that says what a decision does."""
    match decision.action:
        case DecisionAction.HIDE:
            return _("We hid something of yours. Nobody can open it while it is hidden.")
        case DecisionAction.DELETE:
            return _("We deleted something of yours with all its files.")
        case DecisionAction.WARN:
            return _("This is a warning. Your account and your pictures stay as they are.")
        case DecisionAction.SUSPEND if decision.until is not None:
            end = formats.date_format(timezone.localtime(decision.until), "DATETIME_FORMAT")
            return _("Your account is suspended: until {end} nobody can use it.").format(end=end)
        case DecisionAction.BAN:
            return _("Your account is closed for good. Nobody can use it.")
    return ""


def tell_decision(decision: Decision) -> None:
    """Mails a decision after the commit, with the link by which the person can answer it."""
    _send("mail/decision", decision)


def tell_undone(decision: Decision) -> None:
    """Mails after the commit that a decision was undone."""
    _send("mail/decision_undone", decision)


def tell_answer(appeal: Appeal, *, upheld: bool, answer: str) -> None:
    """Mails the answer to an appeal after the commit."""
    _send("mail/appeal_answered", appeal.decision, upheld=upheld, answer=answer)


def _send(template: str, decision: Decision, **more: object) -> None:
    person = decision.user
    # Not the moderator's language and time zone, which are active now.
    language = person.language or settings.LANGUAGE_CODE
    zone = person.time_zone if person.time_zone in time_zones.all_names() else settings.TIME_ZONE
    with override(language), timezone.override(zone):
        what = what_happened(decision)
    context = {"what": what, "words": decision.message, "page": links.url_of(decision.pk), **more}
    mail.send(template, person.email, context, language=language)

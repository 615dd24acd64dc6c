"""Mails about what happened to an account, to its owner."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.core import context as current
from django.utils import timezone

from accounts.email_selectors import has_address, is_real
from accounts.models import User
from common import mail


def notify(user: User, template: str) -> None:
    """Sends a notice to the account's address, with the address and browser of the owner's request, if any.

    template: the prefix of the subject's and the text's templates.
    """
    if not has_address(user):
        return
    if current.request is not None:
        get_adapter().send_notification_mail(template, user, email=user.email)
    else:
        context = {"timestamp": timezone.now(), "ip": "", "user_agent": "", **_links()}
        mail.send(template, user.email, context, language=user.language or None)


def notify_of_staff(user: User, template: str, *, to: str = "") -> None:
    """Sends a notice about what staff or an operator did with an account. It does not tell who it was.

    to: where it goes; by default the account's address.
    """
    if is_real(to or user.email):
        mail.send(template, to or user.email, _links(), language=user.language or None)


def _links() -> dict[str, str]:
    return {
        "sign_in_address": mail.address("account_login"),
        "reset_address": mail.address("account_reset_password"),
    }

"""Mails about what happened to an account, to its owner."""

from __future__ import annotations

from allauth.account.adapter import get_adapter

from accounts.email_selectors import has_address
from accounts.models import User


def notify(user: User, template: str, *, by_staff: bool = False) -> None:
    """Sends a notice to the account's address. A failure is only logged: what it tells has happened.

    template: the prefix of the subject's and the text's templates. by_staff: the request is not the owner's,
    so the mail does not show where it came from.
    """
    if not has_address(user):
        return
    if by_staff:
        get_adapter().send_mail(template, user.email, {})
    else:
        get_adapter().send_notification_mail(template, user, email=user.email)

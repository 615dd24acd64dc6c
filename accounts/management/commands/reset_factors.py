"""Removes the second factors of an account, for an operator who can no longer sign in."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services import factors


class Command(BaseCommand):
    """manage.py reset_factors E-MAIL --reason TEXT"""

    help = "Remove the authenticator app, the passkeys and the recovery codes of an account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The account and the reason."""
        parser.add_argument("email", help="the account's e-mail address")
        parser.add_argument("--reason", default="reset_factors", help="for the audit log")

    def handle(self, *, email: str, reason: str, **_options: object) -> None:
        """Remove them. The account's owner gets a mail."""
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"There is no account {email}.")
        count = factors.reset(user, reason=reason)
        self.stdout.write(f"Apps and passkeys removed: {count}. The password alone opens the account now.")

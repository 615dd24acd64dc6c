"""`manage.py create_token EMAIL --name N --scope S`: prints only the secret on stdout, for scripts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.errors import TokenChoiceError
from accounts.models import Scope, User
from accounts.services import tokens

MAX_DAYS = 1_000_000  # safely before the end of the calendar, in every time zone


class Command(BaseCommand):
    """Creates a token for a user and prints its secret once."""

    help = "Create an API token for a user. Prints its secret once on stdout, and a description on stderr."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the user's e-mail address")
        parser.add_argument(
            "--name", required=True, help="name of the token, such as the program that uses it"
        )
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            dest="scopes",
            metavar="SCOPE",
            help=f"what it may do: {', '.join(Scope.values)}; repeat it, or separate scopes by commas",
        )
        parser.add_argument("--days", type=float, help="days until it expires (default: never)")
        parser.add_argument(
            "--address",
            action="append",
            default=[],
            dest="addresses",
            metavar="NETWORK",
            help="accept it only from this address or network; may be repeated",
        )
        parser.add_argument(
            "--preview-means-full",
            action="store_true",
            help="return the full size where a client asks for a preview",
        )
        parser.add_argument(
            "--ephemeral", action="store_true", help="delete pictures and results once the response was sent"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = User.objects.get_by_natural_key(options["email"])
        except User.DoesNotExist as error:
            raise CommandError(f"No user has the e-mail address {options['email']}.") from error
        days = options["days"]
        if days is not None and not 0 < days <= MAX_DAYS:  # also rejects NaN
            raise CommandError(
                f"--days takes a number above 0, at most {MAX_DAYS}. Without it the token never expires."
            )
        try:
            token, secret = tokens.create(
                user,
                options["name"],
                [scope.strip() for text in options["scopes"] for scope in text.split(",")],
                expires_at=None if days is None else timezone.now() + timedelta(days=days),
                preview_means_full=options["preview_means_full"],
                ephemeral=options["ephemeral"],
                allowed_addresses=options["addresses"],
            )
        except TokenChoiceError as error:
            raise CommandError(error.sentence) from error
        until = f"until {token.expiry:%Y-%m-%d %H:%M} UTC" if token.expiry else "for good"
        self.stderr.write(f"{token} of {user.email}: {', '.join(token.scopes)}, {until}.")
        self.stdout.write(secret)

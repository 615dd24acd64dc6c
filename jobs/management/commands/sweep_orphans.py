"""`manage.py sweep_orphans`: deletes the orphans of the whole store in one go; the scheduler does it in
stretches.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.services import orphans

MOST_HOURS = 1_000_000  # over 100 years; much larger values underflow the calendar


class Command(BaseCommand):
    """Walks the whole store."""

    help = "Delete orphaned files (files that no row names), and print how many."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=float,
            default=settings.ORPHAN_HOURS,
            metavar="HOURS",
            help="keep younger files, which may get a row soon (default: ORPHAN_HOURS)",
        )

    def handle(self, *args: Any, older_than: float, **options: Any) -> None:
        if not 0 <= older_than <= MOST_HOURS:  # also false for NaN
            raise CommandError(f"--older-than takes a number of hours from 0 to {MOST_HOURS}.")
        deleted = orphans.sweep_all(timedelta(hours=older_than))
        self.stdout.write(f"Deleted {deleted} orphaned files.")

"""`manage.py sweep_orphans`: what the scheduler does a stretch at a time, all at once and with a count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.services import orphans

MOST_HOURS = 1_000_000  # a century, and far from the beginning of the calendar


class Command(BaseCommand):
    """Walks the whole store."""

    help = "Delete the files that no row names, and say how many there were."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=float,
            default=settings.ORPHAN_HOURS,
            metavar="HOURS",
            help="leave younger ones: somebody may be about to name them (default: ORPHAN_HOURS)",
        )

    def handle(self, *args: Any, older_than: float, **options: Any) -> None:
        if not 0 <= older_than <= MOST_HOURS:  # nan, too
            raise CommandError(f"--older-than takes a number of hours from 0 to {MOST_HOURS}.")
        deleted = orphans.sweep_all(timedelta(hours=older_than))
        self.stdout.write(f"{deleted} files that no row named are deleted.")

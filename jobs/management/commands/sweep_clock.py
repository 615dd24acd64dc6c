"""`manage.py sweep_clock`: shows whether the sweeps trust the clock, and accepts a clock step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from jobs import clock
from jobs.services import sweep_clock


class Command(BaseCommand):
    """Deletes nothing itself; the scheduler's next sweep does."""

    help = "Show the database's clock, the last sweep, and whether sweeps delete by age."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--accept",
            action="store_true",
            help="trust the database's clock, so the next sweep deletes expired data",
        )

    def handle(self, *args: Any, accept: bool = False, **options: Any) -> None:
        if accept:
            now = sweep_clock.accept()
            self.stdout.write(f"Accepted: it is {_words(now)}. The next sweep deletes expired data.")
            return
        now, before = clock.now(), sweep_clock.last()
        self.stdout.write(f"the database's clock: {_words(now)}")
        self.stdout.write(f"this machine's clock: {_words(datetime.now(UTC))}")
        self.stdout.write(f"the last sweep:       {_words(before) if before else 'none'}")
        if before and now - before > timedelta(days=settings.SWEEP_MAX_STEP_DAYS):
            self.stdout.write(
                f"Sweeps delete nothing by age: the clock moved {(now - before).days} days ahead since the "
                f"last one, and SWEEP_MAX_STEP_DAYS is {settings.SWEEP_MAX_STEP_DAYS}. If the clock is "
                "right, run this command with --accept."
            )
        else:
            self.stdout.write("Sweeps delete by age as usual.")


def _words(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

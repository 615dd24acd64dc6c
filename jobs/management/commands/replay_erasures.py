"""`manage.py replay_erasures`: erases accounts that a restored database brought back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from jobs.services import erasure_list


class Command(BaseCommand):
    """Run it after a restore from a backup. The scheduler does the same when it starts."""

    help = "Erase accounts again that were erased before the database was restored, and print their numbers."

    def handle(self, *args: Any, **options: Any) -> None:
        """Closes the accounts at once. The courier deletes them."""
        numbers = erasure_list.replay()
        self.stdout.write(f"Accounts to erase again: {', '.join(map(str, numbers)) or 'none'}.")

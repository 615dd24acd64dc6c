"""`manage.py recount_storage`: compares each user's storage counter with the rows, and corrects it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import User
from jobs.services import storage_usage


class Command(BaseCommand):
    """Safe while the site is running: each user's counter is locked while their rows are summed."""

    help = "Recompute every user's storage counter from the rows, and print the ones that were wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        users = User.objects.order_by("pk")
        wrong = storage_usage.recount(users.iterator())
        for user, (counted, size) in sorted(wrong.items()):
            self.stdout.write(f"user {user}: counter was {counted} bytes, stored are {size}")
        self.stdout.write(f"{len(wrong)} of {users.count()} counters were wrong and are now corrected.")

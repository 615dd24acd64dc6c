"""`manage.py recount_storage`: compare what is counted of users' files with the rows, and set it right."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import User
from jobs.services import storage_usage


class Command(BaseCommand):
    """Safe while everything runs: each user's counter is held while their rows are added up."""

    help = "Add up what every user stores, set the counters to it, and say which were wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        users = User.objects.order_by("pk")
        wrong = storage_usage.recount(users.iterator())
        for user, (counted, size) in sorted(wrong.items()):
            self.stdout.write(f"user {user}: {counted} bytes were counted, {size} are stored")
        self.stdout.write(f"{len(wrong)} of {users.count()} counters were wrong and are right now.")

"""Erasure: the deletion of an account, and afterwards the receipt of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.background import Background


class Erasure(Background):
    """Names the account by number, without a foreign key, because it stays when the account is gone.

    `joined_at` tells the account from a later one with the same number: a restored database may give a number
    a second time.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        STARTED = "started", "started"
        DELETING = "deleting", "deleting"
        DONE = "done", "done"

    account = models.BigIntegerField("account number")
    joined_at = models.DateTimeField("joined")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    by_staff = models.BooleanField(default=False)
    # Whether the account was open when it was asked for. A cancellation opens it again.
    was_active = models.BooleanField(default=True)
    requested_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField("erased from")
    # When all work of the account was cancelled and its sessions were deleted.
    stopped_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField("erased", null=True)
    # What the account had when the deletion began.
    jobs = models.PositiveBigIntegerField(default=0)
    pictures = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    objects: ClassVar = models.Manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account"], condition=~Q(state="done"), name="erasure_one_open"),
            models.CheckConstraint(
                name="erasure_done_has_time",
                condition=Q(state="done", done_at__isnull=False)
                | (~Q(state="done") & Q(done_at__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.account}: {self.get_state_display()}"

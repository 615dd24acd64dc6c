"""The ledger: every charge and refund, and the counters for the limits."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.lookups import Exact

from accounts.models.expressions import DayOfMonth
from accounts.models.token import ApiToken

# Refund reasons that are not error codes.
UNDONE = ("cancelled", "deleted")


class Usage(models.Model):
    """A user's charges of a month (UTC), minus refunds: always the sum of that month's entries."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="usage")
    month = models.DateField(help_text="Its first day.")
    pictures = models.PositiveBigIntegerField(default=0)
    pixels = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-month", "user"]
        verbose_name_plural = "usage"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "month"], name="usage_one_a_month"),
            models.CheckConstraint(
                name="usage_not_below_zero", condition=models.Q(pictures__gte=0, pixels__gte=0)
            ),
            models.CheckConstraint(name="usage_month_begins", condition=Exact(DayOfMonth("month"), 1)),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.pictures} pictures"


class Storage(models.Model):
    """The bytes of a user's files: sources, mattes and renditions with a database row."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="storage", primary_key=True
    )
    bytes = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "storage"
        constraints: ClassVar = [
            models.CheckConstraint(name="storage_not_below_zero", condition=models.Q(bytes__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.bytes} bytes"


class Entry(models.Model):
    """One charge or refund, never changed afterwards. `month` is the month that it counts towards."""

    class Kind(models.TextChoices):
        CHARGE = "charge", "charge"
        REFUND = "refund", "refund"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ledger")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    pictures = models.PositiveIntegerField()
    pixels = models.PositiveBigIntegerField()
    # Not a foreign key: entries outlive their jobs.
    job = models.UUIDField()
    token = models.ForeignKey(
        ApiToken, null=True, blank=True, on_delete=models.SET_NULL, related_name="entries"
    )
    reason = models.CharField(max_length=64, blank=True)
    month = models.DateField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "ledger"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="entry_kind_known", condition=models.Q(kind__in=["charge", "refund"])
            ),
            # An entry with pixels only is a rendition larger than its source; it must have a reason.
            models.CheckConstraint(
                name="entry_not_empty",
                condition=models.Q(pictures__gt=0) | models.Q(pixels__gt=0) & ~models.Q(reason=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="entry_of_user"),
            models.Index(fields=["job"], name="entry_of_job"),
            models.Index(fields=["at"], name="entry_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.pictures}"

    @property
    def megapixels(self) -> str:
        """Returns the pixels as megapixels, formatted."""
        return f"{self.pixels / 1e6:,.1f}"

    @property
    def description(self) -> str:
        """Describes the entry for people."""
        if self.kind == self.Kind.CHARGE:
            return self.reason.capitalize()
        return f"Refund: {self.reason if self.reason in UNDONE else f'failed ({self.reason})'}"

"""The limits and retention of an account. Staff edit plans in the admin."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models

from accounts.models.limits import Limits


class Plan(Limits):
    """An account's limits, retention period and share of the workers."""

    name = models.CharField(max_length=64, unique=True)
    is_default = models.BooleanField(default=False, help_text="Given to accounts that have no other plan.")
    keep_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Jobs are deleted with their files after so many days, unless pinned. Empty: never.",
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="Pictures in flight at once, as a multiple of the site's window.",
    )

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="plan_one_default"
            ),
            models.CheckConstraint(
                name="plan_keeps_a_day",
                condition=models.Q(keep_days__isnull=True) | models.Q(keep_days__gte=1),
            ),
            models.CheckConstraint(name="plan_has_weight", condition=models.Q(weight__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name

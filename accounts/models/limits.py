"""The limits of a plan, and a user's own limits."""

from __future__ import annotations

from django.db import models


class Limits(models.Model):
    """Five limits. Empty means unlimited for a plan, and the plan's value for a user."""

    pictures_month = models.PositiveIntegerField(
        "pictures a month", null=True, blank=True, help_text="Pictures that may be submitted in a month."
    )
    megapixels_month = models.PositiveIntegerField(
        "megapixels a month", null=True, blank=True, help_text="Millions of source pixels in a month."
    )
    storage_bytes = models.PositiveBigIntegerField(
        "storage in bytes",
        null=True,
        blank=True,
        help_text="Sources, backdrops, mattes and results together.",
    )
    result_megapixels = models.PositiveIntegerField(
        "megapixels of a result",
        null=True,
        blank=True,
        help_text="Millions of pixels that one result may have where it is larger than its source; "
        "never more than MAX_RESULT_PIXELS.",
    )
    in_flight = models.PositiveIntegerField(
        "pictures in flight", null=True, blank=True, help_text="Pictures that may wait or run at once."
    )

    class Meta:
        abstract = True

"""Fields of rows that a background process works on for minutes: exports and erasures."""

from __future__ import annotations

from django.db import models


class Background(models.Model):
    """One process at a time works on the row; see jobs/queue/background.py.

    sent_at: when the broker last got a message for it. lease_token, lease_until: the claim of the process
    that works on it, and when the claim expires unless it is renewed.
    """

    sent_at = models.DateTimeField(null=True, editable=False)
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

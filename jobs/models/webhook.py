"""Webhooks: whom a user wants told, what there was to tell, and how the telling went.

An event is written as a message in the transaction that made it happen, with one delivery for each endpoint
that wants it. The rows are the truth; what the broker holds can be lost.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.gate import OwnedQuerySet
from common.ids import new_id


class WebhookEvent(models.TextChoices):
    """What can be told. `webhook.test` goes to the one endpoint that it is asked for, whatever that wants."""

    JOB_FINISHED = "job.finished", "A job has finished"
    JOB_CANCELLED = "job.cancelled", "A job was cancelled"
    PICTURE_DONE = "picture.done", "A picture is done"
    PICTURE_FAILED = "picture.failed", "A picture has failed"
    TEST = "webhook.test", "A test"


class WebhookEndpoint(models.Model):
    """An address of a user's that is told."""

    # What one can choose of.
    EVENTS = tuple(event.value for event in WebhookEvent if event != WebhookEvent.TEST)
    MAX_URL = 2000

    class Off(models.TextChoices):
        """Why nothing is sent there."""

        OWNER = "owner", "switched off by its owner"
        FAILING = "failing", "it failed for too long"
        GONE = "gone", "it answered 410 Gone"
        CLOSED = "closed", "the account was closed"
        UNREADABLE = "unreadable", "the site's SECRET_KEY changed, and its secret with it"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.CharField(max_length=MAX_URL)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(help_text="Types of events, none twice, in the order of EVENTS.")
    created_at = models.DateTimeField(auto_now_add=True)
    enabled = models.BooleanField(default=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=10, choices=Off.choices, blank=True)
    # When the first of the failures was that no success has followed.
    failing_since = models.DateTimeField(null=True)

    objects: ClassVar = OwnedQuerySet["WebhookEndpoint"].as_manager()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="webhook_off_says_why",
                condition=models.Q(enabled=True, disabled_at__isnull=True, disabled_reason="")
                | models.Q(enabled=False, disabled_at__isnull=False) & ~models.Q(disabled_reason=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user"], condition=models.Q(enabled=True), name="webhook_listening")
        ]

    def __str__(self) -> str:
        return self.url


class WebhookSecret(models.Model):
    """One signing secret: not itself, but what beside SECRET_KEY it is derived from, and how to know it.

    See jobs/webhooks/secrets.py.
    """

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="secrets")
    salt = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    # Of one that was followed by another: until when it signs, too.
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["endpoint"], condition=models.Q(expires_at__isnull=True), name="webhook_one_secret"
            )
        ]

    def __str__(self) -> str:
        return f"of {self.endpoint_id} since {self.created_at:%Y-%m-%d %H:%M}"


class WebhookMessage(models.Model):
    """What there was to tell. The body is kept as it is sent: a signature is over bytes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_messages"
    )
    event = models.CharField(max_length=32, choices=WebhookEvent.choices)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="webhook_message_age")]

    def __str__(self) -> str:
        return f"{self.event} {self.name}"

    @property
    def name(self) -> str:
        """`webhook-id`: the same at every attempt."""
        return f"msg_{self.pk.hex}"


class WebhookDelivery(models.Model):
    """A message on its way to one endpoint.

    `next_at` says when the next attempt is due. Whoever makes one puts it off first, so that an attempt that
    dies leaves a row which comes due by itself; `token` says whose attempt it is, `sent_at` that the broker
    has a message for it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(WebhookMessage, on_delete=models.CASCADE, related_name="deliveries")
    # No constraint in the database: who writes down that a picture ended must not wait for, or fail with,
    # somebody who deletes an endpoint. A delivery that is left without one goes with its message.
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # Since it was written or replayed: the place in the back-off.
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    token = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "endpoint"], name="webhook_delivery_unique"),
            models.CheckConstraint(
                name="webhook_delivery_waits_or_ended",
                condition=models.Q(state="waiting", next_at__isnull=False, ended_at__isnull=True)
                | models.Q(
                    state__in=["delivered", "failed"],
                    next_at__isnull=True,
                    ended_at__isnull=False,
                    sent_at__isnull=True,
                    token__isnull=True,
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_log"),
            models.Index(
                fields=["endpoint", "next_at"],
                condition=models.Q(state="waiting", sent_at__isnull=True),
                name="webhook_delivery_due",
            ),
            models.Index(
                fields=["endpoint"],
                condition=models.Q(state="waiting", sent_at__isnull=False),
                name="webhook_delivery_out",
            ),
            models.Index(
                fields=["endpoint"], condition=models.Q(state="failed"), name="webhook_delivery_given_up"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.endpoint_id}: {self.state}"


class WebhookAttempt(models.Model):
    """One attempt: what the other side answered, or why it did not."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_sentence = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="webhook_attempt_says_how",
                condition=models.Q(status__isnull=False, error_code="")
                | models.Q(status__isnull=True) & ~models.Q(error_code=""),
            )
        ]

    def __str__(self) -> str:
        return str(self.status or self.error_code)

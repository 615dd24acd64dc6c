"""Webhooks: endpoints, messages, deliveries and attempts.

An event is written as a message in the transaction that causes it, with one delivery per subscribed endpoint.
The rows are authoritative; messages in the broker may be lost.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.gate import OwnedQuerySet
from common.ids import new_id


class WebhookEvent(models.TextChoices):
    """Event types. `webhook.test` goes to the endpoint under test, whatever it subscribes to."""

    JOB_FINISHED = "job.finished", "A job has finished"
    JOB_CANCELLED = "job.cancelled", "A job was cancelled"
    PICTURE_DONE = "picture.done", "A picture is done"
    PICTURE_FAILED = "picture.failed", "A picture has failed"
    TEST = "webhook.test", "A test"


class WebhookEndpoint(models.Model):
    """A user's URL that receives events."""

    # The event types that an endpoint can subscribe to.
    EVENTS = tuple(event.value for event in WebhookEvent if event != WebhookEvent.TEST)
    MAX_URL = 2000

    class Off(models.TextChoices):
        """Why an endpoint is disabled."""

        OWNER = "owner", "switched off by its owner"
        FAILING = "failing", "it failed for too long"
        GONE = "gone", "it answered 410 Gone"
        CLOSED = "closed", "the account was closed"
        UNREADABLE = "unreadable", "the site's SECRET_KEY changed, so its secret is invalid"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.CharField(max_length=MAX_URL)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(help_text="Event types without duplicates, in the order of EVENTS.")
    created_at = models.DateTimeField(auto_now_add=True)
    enabled = models.BooleanField(default=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=10, choices=Off.choices, blank=True)
    # When the current series of failures began; null after a success.
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
    """A signing secret. Stores a salt and a fingerprint; the secret is derived from the salt and SECRET_KEY.

    See jobs/webhooks/secrets.py.
    """

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="secrets")
    salt = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    # For a replaced secret: until when it still signs too.
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
    """An event to send. The body is stored exactly as sent, because the signature covers its bytes."""

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
        """The `webhook-id` header: the same for every attempt."""
        return f"msg_{self.pk.hex}"


class WebhookDelivery(models.Model):
    """The delivery of a message to one endpoint.

    `next_at` says when the next attempt is due. An attempt first moves it into the future, so if the attempt
    dies, the delivery becomes due again by itself. `token` identifies the current attempt. `sent_at` says
    when the broker got a message for it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(WebhookMessage, on_delete=models.CASCADE, related_name="deliveries")
    # No database constraint: a transaction that records the end of a picture must not wait for, or fail with,
    # one that deletes an endpoint. Deliveries without an endpoint are deleted with their message.
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # Counted since it was written or replayed. Decides the back-off.
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
    """One attempt: the endpoint's response, or the reason there was none."""

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

"""Signing secrets of webhooks: derived, so that a copy of the database alone cannot sign.

A secret is the HMAC of a random salt under SECRET_KEY. The row holds the salt and a digest of the secret. The
digest detects a changed SECRET_KEY, which would derive a different secret from the one that the owner has.
Signatures follow Standard Webhooks, v1: https://www.standardwebhooks.com.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

from accounts import locks
from jobs.errors import GoneError
from jobs.models import WebhookEndpoint, WebhookSecret

PREFIX: Final = "whsec_"
# How long the previous secret still signs, in addition to the current one.
OVERLAP: Final = timedelta(hours=24)
_PURPOSE: Final = "jobs.webhook_secrets"


class UnreadableSecretError(Exception):
    """SECRET_KEY changed after this secret was issued."""


def renew(endpoint: WebhookEndpoint) -> str:
    """Returns a new secret for the owner, who sees it only once. The old secret still signs for OVERLAP."""
    now = timezone.now()
    salt = secrets.token_hex(32)
    secret = _derived(salt)
    with transaction.atomic():
        if not locks.hold(WebhookEndpoint.objects.filter(pk=endpoint.pk)):
            raise GoneError
        WebhookSecret.objects.filter(endpoint=endpoint, expires_at__lte=now).delete()
        WebhookSecret.objects.filter(endpoint=endpoint, expires_at__isnull=True).update(
            expires_at=now + OVERLAP
        )
        WebhookSecret.objects.create(endpoint=endpoint, salt=salt, fingerprint=_fingerprint(secret))
    return PREFIX + base64.b64encode(secret).decode()


def readable(endpoint: WebhookEndpoint) -> bool:
    """Whether the owner's secret can still be derived."""
    row = WebhookSecret.objects.get(endpoint=endpoint, expires_at__isnull=True)
    return _known(row) is not None


def sign(endpoint: WebhookEndpoint, name: str, at: datetime, body: str) -> str:
    """Returns the `webhook-signature` header: one signature for each secret that is valid at `at`, newest
    first.

    Raises UnreadableSecretError if the newest secret can no longer be derived.
    """
    rows = WebhookSecret.objects.filter(endpoint=endpoint)
    valid = rows.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at)).order_by("-id")
    signatures = []
    for row in valid:
        secret = _known(row)
        if secret is not None:
            signatures.append(Webhook(secret).sign(name, at, body))
        elif row.expires_at is None:
            raise UnreadableSecretError(str(endpoint.pk))
    return " ".join(signatures)


def _known(row: WebhookSecret) -> bytes | None:
    secret = _derived(row.salt)
    return secret if hmac.compare_digest(_fingerprint(secret), row.fingerprint) else None


def _derived(salt: str) -> bytes:
    return salted_hmac(_PURPOSE, salt, algorithm="sha256").digest()


def _fingerprint(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()

"""Signing secrets: two are valid for a day after a rotation, and none is in the database."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
import time_machine

from accounts.models import User
from jobs.models import WebhookEndpoint, WebhookSecret
from jobs.webhooks import secrets, services
from tests.jobs.webhooks.receiver import Receiver
from tests.jobs.webhooks.world import happen

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def test_both_secrets_sign_for_a_day_after_a_rotation(
    user: User,
    made: tuple[WebhookEndpoint, str],
    receiver: Receiver,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:
    endpoint, first = made
    second = services.rotate(endpoint)
    clock.shift(3600)
    third = services.rotate(endpoint)
    assert len({first, second, third}) == 3
    signed = []
    for hours in (0, 22.9, 0.1, 0.9, 0.1):
        clock.shift(hours * 3600)
        happen(user)
        courier()
        taken = receiver.taken[-1]
        signed.append([taken.is_signed_with(secret) for secret in (first, second, third)])
        assert taken.headers["webhook-signature"].count("v1,") == sum(signed[-1])
    # 1 h, 23.9 h, 24 h, 24.9 h and 25 h after the first rotation.
    assert signed == [
        [True, True, True],
        [True, True, True],
        [False, True, True],
        [False, True, True],
        [False, False, True],
    ]
    services.rotate(endpoint)
    assert WebhookSecret.objects.filter(endpoint=endpoint).count() == 2


def test_the_database_holds_no_secret(made: tuple[WebhookEndpoint, str]) -> None:
    """No column holds the secret or its bytes."""
    endpoint, secret = made
    row = WebhookSecret.objects.values().get(endpoint=endpoint)
    key = base64.b64decode(secret.removeprefix(secrets.PREFIX))
    assert len(key) == 32
    kept = repr(sorted(map(str, row.values())))
    for form in (secret, secret[6:], key.hex(), base64.urlsafe_b64encode(key).decode()):
        assert form not in kept

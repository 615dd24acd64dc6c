"""Fixtures: a frozen clock, a webhook receiver and a courier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
import redis
import time_machine
from pytest_django import Settings

from accounts.models import User
from jobs.models import WebhookEndpoint
from jobs.webhooks import deliveries, services
from tests.jobs.webhooks.receiver import Receiver, receiving
from tests.jobs.webhooks.world import NOON


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock frozen at noon that tests move."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def receiver(settings: Settings, valkey: redis.Redis) -> Iterator[Receiver]:
    settings.FETCH_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    settings.REDISPATCH_SECONDS = 60
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def courier(receiver: Receiver, valkey: redis.Redis, queued: Callable[[str], list[str]]) -> Callable[[], int]:
    """Returns a function that delivers everything in the queue, as a courier does, and returns the number of
    messages.
    """

    def work() -> int:
        ids = queued("webhooks")
        valkey.delete("dramatiq:webhooks", "dramatiq:webhooks.msgs")
        for one in ids:
            deliveries.deliver(UUID(one))
        return len(ids)

    return work


@pytest.fixture
def made(user: User, receiver: Receiver) -> tuple[WebhookEndpoint, str]:
    return services.create(user, receiver.url)


@pytest.fixture
def endpoint(made: tuple[WebhookEndpoint, str]) -> WebhookEndpoint:
    return made[0]

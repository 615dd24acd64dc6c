"""Fair sharing: one account's receivers do not delay another's, and the endpoints of an account share its
window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from accounts.models import User
from jobs.models import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import deliveries, notifications, services, windows
from tests.jobs.webhooks.receiver import Receiver
from tests.jobs.webhooks.world import NOON, tick

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock", "valkey")]

Queued = Callable[[str], list[str]]


def endpoints_of(user: User, receiver: Receiver, count: int) -> list[WebhookEndpoint]:
    return [services.create(user, f"{receiver.url}/{number}")[0] for number in range(count)]


def asked(endpoint: WebhookEndpoint, times: int) -> list[UUID]:
    return [notifications.test(endpoint).pk for _ in range(times)]


def out_of(queued: Queued) -> Counter[UUID]:
    """Counts the messages of each endpoint in the queue."""
    rows = WebhookDelivery.objects.in_bulk([UUID(one) for one in queued("webhooks")])
    return Counter(row.endpoint_id for row in rows.values())


@pytest.fixture
def other() -> User:
    return User.objects.create_user("other@example.org", None)


def test_ten_endpoints_share_a_window_of_four_and_another_account_is_next(
    user: User, other: User, receiver: Receiver, queued: Queued
) -> None:
    mine = endpoints_of(user, receiver, 10)
    for one in mine:
        asked(one, 4)
    tick()
    assert len(queued("webhooks")) == 4
    (its,) = endpoints_of(other, receiver, 1)
    (delivery,) = asked(its, 1)
    assert queued("webhooks")[4:] == [str(delivery)]


def test_a_free_slot_goes_to_the_endpoint_with_the_fewest(
    user: User, receiver: Receiver, queued: Queued
) -> None:
    slow, quick = endpoints_of(user, receiver, 2)
    asked(slow, 10)
    assert out_of(queued) == {slow.pk: 4}
    (first, *_) = queued("webhooks")
    asked(quick, 2)
    deliveries.deliver(UUID(first))
    assert out_of(queued)[quick.pk] == 1, "the free slot goes to the endpoint with none in the queue"


def test_free_slots_are_shared(user: User, receiver: Receiver, queued: Queued) -> None:
    first, second = endpoints_of(user, receiver, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliveries, "top_up", lambda _: 0)
        asked(first, 5)
        asked(second, 5)
    tick()
    assert out_of(queued) == {first.pk: 2, second.pk: 2}


def test_running_attempts_count_towards_the_limit(user: User, receiver: Receiver) -> None:
    (endpoint,) = endpoints_of(user, receiver, 1)
    (delivery,) = asked(endpoint, 1)
    for _ in range(windows.ACCOUNT_WINDOW):
        assert windows.RUNNING.take(user.pk)
    try:
        deliveries.deliver(delivery)
        assert receiver.taken == []
    finally:
        for _ in range(windows.ACCOUNT_WINDOW):
            windows.RUNNING.give_back(user.pk)
    row = WebhookDelivery.objects.get(pk=delivery)
    assert (row.attempts, row.sent_at, row.token) == (0, None, None)
    assert row.next_at == NOON + timedelta(seconds=2)


def test_an_attempt_frees_its_slot(user: User, receiver: Receiver) -> None:
    (endpoint,) = endpoints_of(user, receiver, 1)
    for delivery in asked(endpoint, 6):
        deliveries.deliver(delivery)
    assert len(receiver.taken) == 6

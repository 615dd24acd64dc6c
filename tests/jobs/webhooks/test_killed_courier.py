"""A courier is killed while a receiver holds its message unanswered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import redis
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import User
from bgplatform.local import process_tree
from jobs.models import WebhookDelivery
from jobs.webhooks import deliveries, notifications, services
from tests.jobs.factories import bare_job
from tests.jobs.webhooks.receiver import Receiver
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def process(transactional_db: None, valkey: redis.Redis) -> Iterator[subprocess.Popen[bytes]]:
    """The courier process of the Procfile, on the database and the broker of this test."""
    named = connection.settings_dict
    lite = f"sqlite:///{named['NAME']}"
    server = f"postgres://{named['USER']}@{named['HOST']}:{named['PORT']}/{named['NAME']}"
    own = {
        "DATABASE_URL": lite if connection.vendor == "sqlite" else server,
        "FETCH_PRIVATE_NETWORKS": "127.0.0.0/8",
        "WEBHOOK_SECONDS": "60",
    }
    running = subprocess.Popen(
        [sys.executable, "-m", "dramatiq", "bgplatform.courier", "--processes", "1", "--threads", "2"],
        cwd=ROOT,
        env={**os.environ, **own},
        preexec_fn=process_tree.die_with_parent,
    )
    yield running
    running.kill()
    running.wait()


def test_its_message_arrives_with_the_same_id(
    user: User,
    process: subprocess.Popen[bytes],
    receiver: Receiver,
    queued: Callable[[str], list[str]],
) -> None:
    _, secret = services.create(user, receiver.url, events=["job.finished"])
    receiver.waits = True
    job = bare_job(user, state="finished", finished_at=timezone.now())
    notifications.job_ended(job.pk)
    until(lambda: receiver.taken, "the message is with the receiver", 120)
    everybody = [process.pid, *process_tree.descendants(process.pid)]
    for pid in reversed(everybody):
        process_tree.kill(pid, signal.SIGKILL)
    process.wait()
    receiver.release()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("waiting", 1)
    assert queued("webhooks") == []
    assert delivery.next_at is not None
    with time_machine.travel(delivery.next_at, tick=False):
        deliveries.recover_lost()
        deliveries.top_up_everyone()
        # One message from the database rows, and one that the broker requeues when it finds the courier dead.
        messages = queued("webhooks")
        assert set(messages) == {str(delivery.pk)}
        for message in [*messages, *messages]:
            deliveries.deliver(UUID(message))
        first, second = receiver.taken
        assert (first.id, first.body) == (second.id, second.body)
        assert second.is_signed_with(secret)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)

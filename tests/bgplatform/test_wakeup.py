"""A worker is notified of interactive messages, and also finds them without a notification."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed

from bgplatform import wakeup
from bgplatform.broker import broker, make_broker
from bgplatform.wakeup import NotifiedConsumer
from jobs import actors
from tests.waiting import until

# A consumer that sleeps this long is never woken; the test then fails by its time-out.
FAR = 3_600.0
"""A pause that no test waits for: who returns before it was woken."""


@pytest.fixture
def consumer(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    monkeypatch.setattr(wakeup, "POLL_SECONDS", FAR)
    consumer = make_broker(settings.REDIS_URL).consume("interactive", prefetch=2, timeout=3_600_000)
    yield consumer
    consumer.close()


def found(consumer: Consumer) -> MessageProxy:
    """Returns the next message after any number of pauses."""
    return until(lambda: next(consumer), "there is a message")


def test_a_notification_ends_the_pause(consumer: Consumer, valkey: redis.Redis) -> None:
    pictures = [str(uuid4()), str(uuid4())]
    sender = threading.Timer(0.2, actors.segment_interactive.send, [pictures[0]])
    sender.start()
    message = found(consumer)
    assert message.args == (pictures[0],)
    sender.join()
    consumer.ack(message)
    actors.segment_interactive.send(pictures[1])
    assert found(consumer).args == (pictures[1],)
    assert valkey.llen("dramatiq:interactive") == 0


def test_a_message_queued_between_poll_and_pause_is_noticed(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = str(uuid4())
    inner = consumer._inner  # type: ignore[attr-defined]
    look = type(inner).__next__

    def looked(self: Consumer) -> MessageProxy | None:
        message = look(self)
        if message is None:
            monkeypatch.setattr(type(inner), "__next__", look)
            actors.segment_interactive.send(picture)
        return message

    monkeypatch.setattr(type(inner), "__next__", looked)
    assert found(consumer).args == (picture,)


@pytest.mark.parametrize("way", ["ack", "nack"])
def test_finishing_a_message_fetches_the_next_at_once(consumer: Consumer, way: str) -> None:
    pictures = [str(uuid4()) for _ in range(3)]
    for picture in pictures:
        actors.segment_interactive.send(picture)
    held = [found(consumer), found(consumer)]
    # It may hold two. The notifications of all three are consumed by a poll at that limit.
    consumer._wakeup.set()  # type: ignore[attr-defined]
    assert next(consumer) is None
    done = threading.Timer(0.2, getattr(consumer, way), [held[0]])
    done.start()
    third = found(consumer)
    done.join()
    assert {message.args[0] for message in (*held, third)} == set(pictures)


def test_the_consumer_sleeps_between_polls(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that stays set would cause a busy loop."""
    monkeypatch.setattr(wakeup, "POLL_SECONDS", 0.05)
    consumer = broker.consume("interactive")
    actors.segment_interactive.send(str(uuid4()))
    consumer.ack(found(consumer))

    def slept() -> bool:
        began = time.monotonic()
        assert next(consumer) is None
        return time.monotonic() - began >= 0.05

    # Its own notification may arrive late.
    until(slept, "nobody rings any more")
    assert all(slept() for _ in range(4))
    consumer.close()


def test_a_closed_consumer_stops_listening(valkey: redis.Redis) -> None:
    consumer = broker.consume("interactive")
    listeners = partial(valkey.pubsub_numsub, "woken:interactive")
    until(lambda: listeners() == [(b"woken:interactive", 1)], "it listens")
    consumer.close()
    until(lambda: listeners() == [(b"woken:interactive", 0)], "it listens no more")


def test_a_lost_notification_only_delays_the_message(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeup, "POLL_SECONDS", 0.05)
    consumer = broker.consume("interactive")
    picture = uuid4()
    message = actors.segment_interactive.message(str(picture))
    named = message.copy(options={"redis_message_id": message.message_id})
    broker.do_enqueue("interactive", named.message_id, named.encode())
    assert found(consumer).args == (str(picture),)
    consumer.close()


def test_delay_queues_have_no_listener(valkey: redis.Redis) -> None:
    delayed = broker.consume("batch.DQ", prefetch=1000, timeout=1000)
    assert not isinstance(delayed, NotifiedConsumer)
    assert (delayed.prefetch, delayed.timeout) == (1000, 1000)  # type: ignore[attr-defined]


def test_a_broken_subscription_is_restored(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A restarted consumer would forget which messages it holds."""
    monkeypatch.setattr(wakeup, "POLL_SECONDS", 0.05)
    consumer = make_broker(settings.REDIS_URL).consume("interactive")
    wakeup_event = consumer._wakeup  # type: ignore[attr-defined]

    def heard() -> bool:
        wakeup_event.clear()
        wakeup.wake(valkey, "interactive")
        return bool(wakeup_event.wait(0.2))

    until(heard, "it listens")
    valkey.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    until(lambda: "notifications of queue interactive do not arrive" in caplog.text, "it was cut off")
    # The first one may come from the interruption itself.
    until(lambda: heard() and heard(), "it listens again")
    assert next(consumer) is None, "and it goes on"
    consumer.close()


def test_a_lost_server_raises_connection_closed(
    consumer: Consumer,
    redis_away: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wakeup, "POLL_SECONDS", 0.05)
    with redis_away(), pytest.raises(ConnectionClosed):
        found(consumer)
    with redis_away(), pytest.raises(ConnectionClosed):
        broker.consume("interactive")


def test_a_restarted_consumer_counts_held_messages(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the server was gone a worker continues with its pictures and fetches only up to its limit."""
    monkeypatch.setattr(wakeup, "POLL_SECONDS", 0.05)
    broker = make_broker(settings.REDIS_URL)
    broker.max_held = {"batch": 2}
    for _ in range(5):
        actors.segment_batch.send(str(uuid4()))
    first = broker.consume("batch", prefetch=4)
    held = [found(first), found(first)]
    first.close()
    second = broker.consume("batch", prefetch=4)
    assert [next(second) for _ in range(3)] == [None] * 3
    second.ack(held[0])
    assert next(second) is not None
    assert next(second) is None
    second.close()


def test_requeued_messages_are_released_and_wake_others(valkey: redis.Redis) -> None:
    broker = make_broker(settings.REDIS_URL)
    broker.max_held = {"interactive": 2}
    actors.segment_interactive.send(str(uuid4()))
    mine = broker.consume("interactive")
    message = found(mine)
    theirs = make_broker(settings.REDIS_URL).consume("interactive")
    theirs._wakeup.clear()  # type: ignore[attr-defined]
    mine.requeue([message])
    assert broker.held["interactive"] == set()
    until(theirs._wakeup.is_set, "they were woken")  # type: ignore[attr-defined]
    assert found(theirs).args == message.args
    mine.close()
    theirs.close()


def test_a_failed_notification_loses_no_message(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> int:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(broker.client, "publish", away)
    actors.segment_interactive.send(str(uuid4()))
    assert valkey.llen("dramatiq:interactive") == 1
    assert "the consumers of queue interactive could not be notified: gone" in caplog.text

"""A worker hears of a message for somebody who waits, and finds it without a hint as well."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed

from bgplatform import woken
from bgplatform.broker import broker, make_broker
from bgplatform.woken import WokenConsumer
from jobs import actors
from tests.waiting import until

FAR = 30.0
"""A pause that no test waits for: who returns before it was woken."""


@pytest.fixture
def consumer(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    monkeypatch.setattr(woken, "LOOK_SECONDS", FAR)
    consumer = make_broker(settings.REDIS_URL).consume("interactive", prefetch=2, timeout=60_000)
    yield consumer
    consumer.close()


def found(consumer: Consumer) -> MessageProxy:
    """The next message, however many pauses come before it."""
    return until(lambda: next(consumer), "there is a message")


def test_it_is_woken_from_its_pause(consumer: Consumer, valkey: redis.Redis) -> None:
    pictures = [str(uuid4()), str(uuid4())]
    began = time.monotonic()
    sender = threading.Timer(0.2, actors.segment_interactive.send, [pictures[0]])
    sender.start()
    message = found(consumer)
    assert message.args == (pictures[0],)
    assert time.monotonic() - began < FAR
    sender.join()
    consumer.ack(message)
    actors.segment_interactive.send(pictures[1])
    assert found(consumer).args == (pictures[1],)
    assert time.monotonic() - began < FAR
    assert valkey.llen("dramatiq:interactive") == 0


def test_what_was_queued_between_the_look_and_the_pause_is_heard_of(
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
    began = time.monotonic()
    assert found(consumer).args == (picture,)
    assert time.monotonic() - began < FAR


def test_who_is_through_with_one_fetches_the_next_at_once(consumer: Consumer) -> None:
    pictures = [str(uuid4()) for _ in range(3)]
    for picture in pictures:
        actors.segment_interactive.send(picture)
    held = [found(consumer), found(consumer)]
    # It may hold two: the third comes when one of them is done, or given up.
    began = time.monotonic()
    sender = threading.Timer(0.2, consumer.ack, [held[0]])
    sender.start()
    third = found(consumer)
    actors.segment_interactive.send(pictures[0])
    consumer.nack(held[1])
    assert found(consumer).args == (pictures[0],)
    assert time.monotonic() - began < FAR
    sender.join()
    assert {message.args[0] for message in (*held, third)} == set(pictures)


def test_a_lost_hint_is_a_pause_and_no_loss(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(woken, "LOOK_SECONDS", 0.05)
    consumer = broker.consume("interactive")
    picture = uuid4()
    message = actors.segment_interactive.message(str(picture))
    named = message.copy(options={"redis_message_id": message.message_id})
    broker.do_enqueue("interactive", named.message_id, named.encode())
    assert found(consumer).args == (str(picture),)
    consumer.close()


def test_nothing_is_sent_to_a_queue_for_delays_so_nobody_listens(valkey: redis.Redis) -> None:
    delayed = broker.consume("batch.DQ", prefetch=1000, timeout=1000)
    assert not isinstance(delayed, WokenConsumer)
    assert (delayed.prefetch, delayed.timeout) == (1000, 1000)  # type: ignore[attr-defined]


def test_a_server_that_goes_ends_the_consumer_as_dramatiq_wants_it(
    consumer: Consumer, redis_away: Callable[[], AbstractContextManager[None]]
) -> None:
    for picture in (uuid4(), uuid4()):
        actors.segment_interactive.send(str(picture))
    # It holds all that it may, so that it does not look by itself: its listener tells it.
    assert None not in (found(consumer), found(consumer))
    with redis_away(), pytest.raises(ConnectionClosed):
        found(consumer)
    with redis_away(), pytest.raises(ConnectionClosed):
        broker.consume("interactive")


def test_a_hint_that_cannot_be_given_loses_no_message(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> int:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(broker.client, "publish", away)
    actors.segment_interactive.send(str(uuid4()))
    assert valkey.llen("dramatiq:interactive") == 1
    assert "nobody could be woken for the queue interactive: gone" in caplog.text

"""The broker's options; each of them once caused a lost message."""

from __future__ import annotations

from unittest.mock import patch
from uuid import uuid4

import dramatiq
import pytest
import redis
from django.conf import settings
from dramatiq.middleware import Retries, TimeLimit

from bgplatform.broker import HEARTBEAT_MS, broker, make_broker
from jobs import actors
from jobs.models.job import Lane


def test_every_process_uses_this_broker() -> None:
    assert dramatiq.get_broker() is broker
    assert actors.segment_batch.broker is broker
    assert broker.client.connection_pool.connection_kwargs["path"] == settings.REDIS_URL.removeprefix(
        "unix://"
    )


def test_messages_of_a_killed_worker_come_back_in_time() -> None:
    assert broker.maintenance_chance == 1_000_000, "at every call, not at one in a thousand"
    assert broker.heartbeat_timeout == HEARTBEAT_MS == 20_000


def test_every_socket_has_a_timeout() -> None:
    kwargs = make_broker("redis://127.0.0.1:1/0").client.connection_pool.connection_kwargs
    assert (kwargs["socket_connect_timeout"], kwargs["socket_timeout"]) == (5, 15)


def test_attempts_are_counted_on_the_row_and_not_by_the_broker() -> None:
    kinds = [type(middleware) for middleware in broker.middleware]
    assert Retries not in kinds
    assert TimeLimit in kinds


def test_each_lane_has_its_queue_and_the_interactive_one_goes_first() -> None:
    interactive, batch = actors.segment_interactive, actors.segment_batch
    assert (interactive.queue_name, batch.queue_name) == ("interactive", "batch")
    assert interactive.priority < batch.priority
    for actor in (interactive, batch):
        assert actor.options["time_limit"] == actors.TIME_LIMIT_MS == 300_000


@pytest.mark.parametrize("lane", Lane.values)
def test_a_message_carries_nothing_but_an_id(lane: str, valkey: redis.Redis) -> None:
    picture = uuid4()
    message = getattr(actors, f"segment_{lane}").send(str(picture))
    assert (message.queue_name, message.args, message.kwargs) == (lane, (str(picture),), {})
    assert valkey.llen(f"dramatiq:{lane}") == 1


@pytest.mark.parametrize("lane", Lane.values)
def test_an_actor_processes_its_picture(lane: str) -> None:
    picture = uuid4()
    with patch("jobs.worker.processing.process") as process:
        getattr(actors, f"segment_{lane}")(str(picture))
    process.assert_called_once_with(picture)

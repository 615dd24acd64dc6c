"""A worker's life cycle: it takes no message before its model is loaded, and signs off when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.conf import settings
from dramatiq import Worker
from dramatiq.middleware import MiddlewareError
from pytest_django import Settings

from bgplatform.broker import LaneBroker, broker, make_broker
from jobs import actors
from jobs.models.job import Lane
from jobs.queue import workers
from jobs.worker import task
from segmentation.errors import WeightsError
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("valkey")


@pytest.fixture
def fresh() -> LaneBroker:
    """A separate broker, because a worker's boot changes it."""
    return make_broker(settings.REDIS_URL)


@pytest.fixture
def life() -> Iterator[object]:
    """The worker module's middleware, without adding it to the tests' broker."""
    with patch.object(broker, "add_middleware"):
        from bgplatform.worker import WorkerLifecycle
    made = WorkerLifecycle()
    yield made
    task.keeper = None


def test_a_worker_is_ready_once_its_model_is_loaded(
    life: object, fresh: LaneBroker, settings: Settings
) -> None:
    settings.LEASE_SECONDS = 20
    with patch("jobs.worker.engine.warm", return_value="u2netp on cpu"):
        worker = Worker(fresh, worker_threads=3)
        life.before_worker_boot(fresh, worker)  # type: ignore[attr-defined]
    assert worker.worker_threads == 4
    assert task.keeper is life.keeper  # type: ignore[attr-defined]
    assert [worker["engine"] for worker in workers.alive()] == ["u2netp on cpu"]
    life.before_worker_shutdown(broker, None)  # type: ignore[attr-defined]
    assert workers.alive() == []
    life.after_worker_shutdown(broker, None)  # type: ignore[attr-defined]


def test_a_worker_without_a_model_does_not_start(life: object, fresh: LaneBroker) -> None:
    """Dramatiq only logs other errors at boot, and the worker would fail every picture."""
    gone = WeightsError("weights_absent", "The weights are not here.")
    with (
        patch("jobs.worker.engine.warm", side_effect=gone),
        pytest.raises(MiddlewareError, match="The weights are not here"),
    ):
        life.before_worker_boot(fresh, Worker(fresh, worker_threads=3))  # type: ignore[attr-defined]
    assert workers.alive() == []
    assert task.keeper is None


@pytest.mark.parametrize("threads", [1, 3])
def test_a_batch_leaves_one_thread_free(fresh: LaneBroker, threads: int) -> None:
    """One thread stays free for interactive pictures, whatever a batch holds."""
    from bgplatform.worker import reserve_interactive_thread

    worker = Worker(fresh, worker_threads=threads)
    reserve_interactive_thread(fresh, worker)
    assert worker.worker_threads == threads + 1
    for _ in range(threads + 2):
        for lane in Lane.values:
            fresh.enqueue(getattr(actors, f"segment_{lane}").message(str(uuid4())))
    batch = fresh.consume("batch", prefetch=worker.queue_prefetch)
    held = [next(batch) for _ in range(threads)]
    assert None not in held
    assert next(batch) is None, "it holds as many as it may"
    assert held[0] is not None
    batch.ack(held[0])
    assert until(lambda: next(batch), "there is room again") is not None
    batch.close()
    interactive = fresh.consume("interactive", prefetch=threads + 2)
    assert None not in [next(interactive) for _ in range(threads + 2)], "those who wait go before all others"
    interactive.close()

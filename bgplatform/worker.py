"""The worker process: `python -m dramatiq bgplatform.worker --processes 1 --threads 3`.

Loads and warms up the model before it takes a message, renews the leases of its tasks, and sends heartbeats.
"""

from __future__ import annotations

import logging
import os
from typing import cast

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bgplatform.settings")
django.setup()

import dramatiq  # noqa: E402
from django.conf import settings  # noqa: E402
from dramatiq.middleware import Middleware, MiddlewareError  # noqa: E402
from redis.exceptions import RedisError  # noqa: E402

import jobs.actors  # noqa: E402,F401
from bgplatform.broker import LaneBroker, broker  # noqa: E402
from bgplatform.child_process import ExitWithMaster  # noqa: E402
from jobs.models.job import Lane  # noqa: E402
from jobs.queue import workers  # noqa: E402
from jobs.queue.leases import LeaseKeeper  # noqa: E402
from jobs.worker.watchdog import Watchdog  # noqa: E402
from segmentation.errors import SegmentationError  # noqa: E402

logger = logging.getLogger(__name__)

# A task first gets its time limit as an exception; one that hangs in native code is ended with its process.
HARD_LIMIT_FACTOR = 1.25


def reserve_interactive_thread(broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
    """Reserve one thread beyond those that batches may fill, so that interactive pictures do not wait for the
    end of a batch picture (docs/decisions/0018).
    """
    cast(LaneBroker, broker).max_held = {Lane.BATCH.value: worker.worker_threads}
    worker.worker_threads += 1


class WorkerLifecycle(Middleware):
    """A worker's boot and shutdown."""

    def __init__(self) -> None:
        self.engine = ""
        self.keeper = LeaseKeeper(self.beat)
        self.watchdog = Watchdog(self.keeper.longest, settings.TASK_SECONDS * HARD_LIMIT_FACTOR)

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Load the model before any message is taken; without a model the worker does not start."""
        reserve_interactive_thread(broker, worker)
        from jobs.worker import engine, task

        try:
            self.engine = engine.warm()
        except SegmentationError as error:
            raise MiddlewareError(str(error)) from error
        except Exception as error:
            # Dramatiq would only log it and run a worker without an engine.
            logger.exception("the engine could not be started")
            raise MiddlewareError(f"the engine could not be started: {error}") from error
        logger.info("worker ready: %s", self.engine)
        task.keeper = self.keeper
        self.keeper.start()
        self.watchdog.start()
        self.beat()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Stop counting as ready; leases are renewed until the last task ends."""
        try:
            workers.withdraw()
        except RedisError as error:
            logger.warning("the heartbeat could not be removed: %s", error)

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """All tasks have ended."""
        self.keeper.stop()
        self.watchdog.stop()

    def beat(self) -> None:
        """Send a heartbeat."""
        try:
            workers.report(self.engine)
        except RedisError as error:
            logger.warning("the heartbeat could not be sent: %s", error)


broker.add_middleware(ExitWithMaster())
broker.add_middleware(WorkerLifecycle())

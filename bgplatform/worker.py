"""The worker process: `python -m dramatiq bgplatform.worker --processes 1 --threads 3`.

Loads and warms the model before it takes a message, renews the leases of what it works on, and says
that it is alive.
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
from bgplatform.child import ExitWithMaster  # noqa: E402
from jobs.models.job import Lane  # noqa: E402
from jobs.queue import workers  # noqa: E402
from jobs.queue.leases import LeaseKeeper  # noqa: E402
from jobs.worker.watchdog import Watchdog  # noqa: E402
from segmentation.errors import SegmentationError  # noqa: E402

logger = logging.getLogger(__name__)

# A task gets its time limit as an exception first; what does not even hear that is ended with its process.
HARD = 1.25


def keep_a_thread(broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
    """One thread more than batches may fill: whoever sits and waits does not wait for the end of a picture of
    somebody's batch (docs/decisions/0018)."""
    cast(LaneBroker, broker).rooms = {Lane.BATCH.value: worker.worker_threads}
    worker.worker_threads += 1


class WorkerLifecycle(Middleware):
    """What happens at a worker's boot and shutdown."""

    def __init__(self) -> None:
        self.engine = ""
        self.keeper = LeaseKeeper(self.beat)
        self.watchdog = Watchdog(self.keeper.longest, settings.TASK_SECONDS * HARD)

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Load the model while no message waits for it; without it there is no worker."""
        keep_a_thread(broker, worker)
        from jobs.worker import engine, processing

        try:
            self.engine = engine.warm()
        except SegmentationError as error:
            raise MiddlewareError(str(error)) from error
        except Exception as error:
            # Dramatiq would only log it, and go on as a worker without an engine.
            logger.exception("the engine does not start")
            raise MiddlewareError(f"the engine does not start: {error}") from error
        logger.info("worker ready: %s", self.engine)
        processing.keeper = self.keeper
        self.keeper.start()
        self.watchdog.start()
        self.beat()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """No longer counted as ready; leases are kept until the last task is through."""
        try:
            workers.withdraw()
        except RedisError as error:
            logger.warning("could not withdraw: %s", error)

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """All tasks are through."""
        self.keeper.stop()
        self.watchdog.stop()

    def beat(self) -> None:
        """Say that this worker lives."""
        try:
            workers.report(self.engine)
        except RedisError as error:
            logger.warning("could not report: %s", error)


broker.add_middleware(ExitWithMaster())
broker.add_middleware(WorkerLifecycle())

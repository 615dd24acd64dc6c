"""`manage.py dispatch`: the scheduler process. Dispatches queued work, recovers lost work, and sweeps."""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connection

from accounts.services import audit, invitations
from common import heartbeat
from jobs.moderation.services import bursts, stopping
from jobs.services import (
    backdrops,
    continuing,
    discards,
    erasure,
    erasure_list,
    exports,
    figures,
    idempotency,
    improvements,
    lines,
    orphans,
    progress,
    removal,
    rendition_requests,
    retention,
    shares,
    slices,
    sweep_clock,
    synchronous,
    thumbnails,
)
from jobs.storage import StoreRefusedError, StoreUnavailableError
from jobs.webhooks import deliveries, services

logger = logging.getLogger(__name__)

SWEEP_EVERY = 30
DAYS_AT_ONCE = 5


class Command(BaseCommand):
    """Runs until it gets a signal. Several may run at once: each step is a conditional update."""

    help = "Dispatch queued work every few seconds, recover lost work and sweep expired rows and files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then stop")

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        stop = threading.Event()
        if once:
            self.tick(sweep=True)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        logger.info("dispatching every %d s", settings.DISPATCH_SECONDS)
        rounds = 0
        replayed = False
        # While the database is down, no worker can renew its lease. Give workers time to renew before leases
        # expire.
        trusted_from = 0.0
        while not stop.wait(settings.DISPATCH_SECONDS):
            try:
                if not replayed:
                    # The database may have been restored from a backup.
                    erasure_list.replay()
                    replayed = True
                self.tick(sweep=rounds % SWEEP_EVERY == 0, leases=time.monotonic() >= trusted_from)
            except (Error, OSError, StoreUnavailableError, StoreRefusedError):
                # The database or the store is unreachable. Log it and try again at the next tick.
                logger.exception("round failed; trying again")
                connection.close()
                trusted_from = time.monotonic() + settings.LEASE_SECONDS
            heartbeat.beat()
            rounds += 1

    def tick(self, *, sweep: bool, leases: bool = True) -> None:
        """Runs one round."""
        for line in lines.ALL:
            line.recover_lost(leases=leases)
            line.top_up_everyone()
        stopping.sweep()
        deliveries.recover_lost()
        services.disable_closed()
        deliveries.top_up_everyone()
        exports.send_due()
        erasure.send_due()
        if sweep:
            slices.run(continuing.sweep)
            slices.run(progress.settle_left)
            slices.run(synchronous.sweep)
            deliveries.bring_forward()
            if sweep_clock.is_believable():
                self.sweep_by_age()
            slices.run(discards.sweep_discards)
            bursts.look()
            self.count_figures()

    def count_figures(self) -> None:
        """Counts a few days of the figures of satisfaction: dispatching must not wait for many."""
        for _ in range(DAYS_AT_ONCE):
            if not figures.refresh():
                break
        figures.sweep()

    def sweep_by_age(self) -> None:
        """Deletes expired rows and files. Call it only if the clock is trusted."""
        slices.run(retention.expire)
        slices.run(removal.sweep_uploads)
        slices.run(rendition_requests.sweep)
        slices.run(thumbnails.sweep)
        slices.run(idempotency.sweep)
        slices.run(backdrops.sweep)
        slices.run(improvements.sweep)
        slices.run(shares.sweep)
        slices.run(deliveries.sweep)
        slices.run(exports.sweep)
        slices.run(audit.sweep)
        slices.run(invitations.sweep)
        orphans.sweep()

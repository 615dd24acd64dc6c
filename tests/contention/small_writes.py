"""Measures how long a small write waits beside submit, cancel, retry, re-run and delete of a large job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import quota
from jobs.models import Job
from jobs.services import removal, retry, submit
from segmentation.recipe import Recipe
from tests.jobs.factories import bare_uploads

RECIPE = Recipe(model="u2netp")


@dataclass(frozen=True)
class Wait:
    """The longest small write beside one operation, and the operation's duration, in seconds."""

    what: str
    longest: float
    writes: int
    took: float

    def __str__(self) -> str:
        return (
            f"{self.what:8} {self.took:6.2f} s; "
            f"longest of {self.writes} small writes beside it: {self.longest * 1000:.0f} ms"
        )


def waits(user: User, pictures: int) -> list[Wait]:
    """Run each operation on one job and measure the concurrent small writes."""
    with transaction.atomic():
        ids = bare_uploads(user, pictures)
        quota.add_storage(user, 9 * pictures)
    jobs: list[Job] = []
    found = [
        beside(user, "submit", lambda: jobs.append(submit.submit(user, ids, RECIPE))),
        beside(user, "cancel", lambda: removal.cancel(jobs[0])),
        beside(user, "retry", lambda: retry.retry_failed(jobs[0])),
        beside(user, "again", lambda: jobs.append(submit.again(jobs[0], RECIPE))),
        beside(user, "delete", lambda: removal.delete_jobs([jobs[0].pk])),
    ]
    removal.delete_jobs([jobs[1].pk])
    return found


def beside(user: User, what: str, act: Callable[[], object]) -> Wait:
    """Call `act` while another thread writes one row repeatedly."""
    stop, started = threading.Event(), threading.Event()
    times: list[float] = []

    def write() -> None:
        try:
            while True:
                began = time.monotonic()
                User.objects.filter(pk=user.pk).update(last_login=timezone.now())
                times.append(time.monotonic() - began)
                started.set()
                if stop.wait(0.005):
                    return
        finally:
            started.set()
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    started.wait()
    began = time.monotonic()
    try:
        act()
        took = time.monotonic() - began
    finally:
        stop.set()
        writer.join()
    return Wait(what, max(times), len(times), took)

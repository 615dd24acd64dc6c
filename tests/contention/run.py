"""Runs all callers of an account for some seconds, then checks the remaining state."""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.core.signals import got_request_exception
from django.db import connection
from django.db.models import Sum

from accounts.models import Entry, Usage, User
from jobs.models import Job, Picture, Receipt
from jobs.queue.claims import LeaseLostError
from jobs.services import lines, removal, storage_usage
from tests.contention.account import Account, conclude
from tests.jobs.factories import bare_job

logger = logging.getLogger(__name__)


@dataclass
class Report:
    """The outcome. faults: unexpected errors, each with its origin."""

    answers: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    deadlocks: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def server_errors(self) -> int:
        """The number of responses of 500 and above."""
        return sum(n for what, n in self.answers.items() if what.rsplit(": ", 1)[-1].startswith("5"))

    def __str__(self) -> str:
        lines = [f"  {count:6} × {what}" for what, count in sorted(self.answers.items())]
        lines += [f"  {count:6} × FAULT {what}" for what, count in self.faults.most_common()]
        lines += [f"  WRONG {what}" for what in self.wrong]
        total = sum(self.answers.values())
        lines.append(
            f"{total} answers: {self.deadlocks} deadlocks, {self.server_errors} × 5xx, "
            f"{sum(self.faults.values())} faults, {len(self.wrong)} counters wrong"
        )
        return "\n".join(lines)

    @property
    def clean(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.deadlocks or self.server_errors or self.faults or self.wrong)


class Faults:
    """Unhandled exceptions, by kind and place."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def note(self, error: BaseException, what: str = "") -> None:
        """Count one by its type and our innermost lines."""
        ours = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
        place = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(ours[-4:]))
        self.seen[f"{what} {type(error).__name__}: {str(error).splitlines()[:1]} at {place}"] += 1

    def of_request(self, sender: object, request: object = None, **_: object) -> None:
        """Count an exception raised by a view."""
        if (error := sys.exc_info()[1]) is not None:
            self.note(error, "view")


def everything(user: User, seconds: float) -> Report:
    """Run all callers in loops for `seconds`, then drain the queue, then return the verdict."""
    account, faults, stop = Account(user), Faults(), threading.Event()
    before = deadlocks()
    got_request_exception.connect(faults.of_request)

    def loop(act: Callable[[], None]) -> None:
        try:
            while not stop.is_set():
                try:
                    act()
                except Exception as error:
                    logger.exception("%s broke", act.__name__)
                    faults.note(error, act.__name__)
                    connection.close()
                # Pauses let other callers use the database.
                stop.wait(random.uniform(0, 0.02))
        finally:
            connection.close()

    threads = [threading.Thread(target=loop, args=(act,)) for act in account.acts()]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    got_request_exception.disconnect(faults.of_request)
    return Report(account.answers, faults.seen, deadlocks() - before, wrong_of(user))


def presses(user: User, times: int, pictures: int, workers: int = 4) -> Report:
    """Press Cancel and Delete repeatedly on a batch that workers process."""
    account, faults = Account(user), Faults()
    before = deadlocks()
    got_request_exception.connect(faults.of_request)
    for number in range(2 * times):
        job = bare_job(user, pictures)
        stop = threading.Event()

        def work(job: Job = job, stop: threading.Event = stop) -> None:
            try:
                while not stop.is_set():
                    waiting = Picture.objects.filter(job=job, state="queued").values_list("pk", flat=True)
                    pk = random.choice(list(waiting[:40]) or [None])
                    if pk is None or (claim := lines.PICTURES.claim(pk)) is None:
                        stop.wait(0.005)
                        continue
                    try:
                        conclude(claim)
                        account.note("worker", "done")
                    except LeaseLostError:
                        account.note("worker", "taken away")
                    lines.PICTURES.top_up(user.pk)
            except Exception as error:
                logger.exception("a worker broke")
                faults.note(error, "worker")
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0.05, 0.3))
        what = "cancel" if number % 2 else "delete"
        account.press(f"/jobs/{job.pk}/{what}/")
        stop.set()
        for thread in threads:
            thread.join()
        removal.delete_jobs([job.pk])
    got_request_exception.disconnect(faults.of_request)
    return Report(account.answers, faults.seen, deadlocks() - before, wrong_of(user))


def deadlocks() -> int:
    """Returns the number of deadlocks that PostgreSQL has broken since its start; 0 on SQLite."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        # Sessions report their counts at the end of a transaction, at most once a second.
        time.sleep(1.2)
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def wrong_of(user: User) -> list[str]:
    """Returns what does not add up: storage, the month, charges, states."""
    wrong = [
        f"storage of {pk}: counted {was}, is {is_}"
        for pk, (was, is_) in storage_usage.recount([user]).items()
    ]
    for what in ("pictures", "pixels"):
        charged, refunded = (
            Entry.objects.filter(user=user, kind=kind).aggregate(n=Sum(what, default=0))["n"]
            for kind in ("charge", "refund")
        )
        used = Usage.objects.filter(user=user).aggregate(n=Sum(what, default=0))["n"]
        if charged - refunded != used:
            wrong.append(f"{what} of the month: {used}, the ledger says {charged - refunded}")
    wrong += _charges(user)
    open_ones = Picture.objects.filter(user=user, state__in=["queued", "running"])
    stuck = Job.objects.filter(user=user, state="active").exclude(pk__in=open_ones.values("job"))
    wrong += [f"job {job.pk} is active and nothing of it is open" for job in stuck]
    ended = open_ones.exclude(job__state="active")
    wrong += [f"picture {pk} is open in a job that ended" for pk in ended.values_list("pk", flat=True)]
    for job in Job.objects.filter(user=user):
        if (count := Picture.objects.filter(job=job).count()) != job.picture_count:
            wrong.append(f"job {job.pk} says {job.picture_count} pictures and has {count}")
    return wrong


def _charges(user: User) -> list[str]:
    """Checks that the ledger matches the pictures of jobs from which nothing was deleted, and covers those of
    the others.
    """
    wrong = []
    for job in Job.objects.filter(user=user):
        sums = Entry.objects.filter(job=job.pk).values_list("kind").annotate(n=Sum("pictures"))
        by_kind = dict(sums.order_by())
        net = by_kind.get("charge", 0) - by_kind.get("refund", 0)
        standing = Picture.objects.filter(job=job, charged_at__isnull=False).count()
        # The charge of a deleted picture stands if the picture had a result. Positions do not tell of every
        # deletion: without the last pictures, those that are left have no gap.
        whole = not Receipt.objects.filter(job=job.pk).exists()
        if net != standing if whole else net < standing:
            wrong.append(f"job {job.pk}: {net} charged, {standing} of its pictures say so")
    return wrong

"""The backlog: how much work waits and runs, by line and lane."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum

from jobs.models import Continuation, Picture, RenditionRequest, ThumbnailRequest
from jobs.models.job import Lane
from jobs.models.leased import WAITING, LeaseState


@dataclass
class Backlog:
    """Work of one line and lane. oldest: since when the oldest waiting one waits; None if none waits."""

    line: str
    lane: str
    waiting: int = 0
    running: int = 0
    oldest: datetime | None = None

    def add(self, number: int, oldest: datetime | None) -> None:
        """Adds waiting work."""
        self.waiting += number
        if oldest is not None:
            self.oldest = min(self.oldest or oldest, oldest)

    def age(self, now: datetime) -> float:
        """Seconds that the oldest has waited until `now`; 0 if none waits."""
        return max(0.0, (now - self.oldest).total_seconds()) if self.oldest else 0.0


def backlog() -> list[Backlog]:
    """Returns every line and lane, also empty ones, in a constant number of queries on partial indexes."""
    found = {("pictures", lane): Backlog("pictures", lane) for lane in Lane.values}
    # Two queries, because each has its own partial index: not sent to a worker yet, and sent.
    for waiting in (WAITING, Q(state=LeaseState.QUEUED, dispatched_at__isnull=False)):
        rows = _by_lane(Picture.objects.filter(waiting), "queued_at")
        for lane, number, oldest in rows:
            found["pictures", lane].add(number, oldest)
    # Pictures of large jobs that are not written yet.
    unwritten = Continuation.objects.filter(to_run__gt=0, deleting=False).order_by()
    for lane, number, oldest in unwritten.values_list("job__lane").annotate(
        n=Sum("to_run"), oldest=Min("created_at")
    ):
        found["pictures", lane].add(number, oldest)
    running = Picture.objects.filter(state=LeaseState.RUNNING).order_by().values_list("lane")
    for lane, number in running.annotate(n=Count("pk")):
        found["pictures", lane].running = number
    lines = list(found.values())
    for name, model in (("renditions", RenditionRequest), ("thumbnails", ThumbnailRequest)):
        lines.append(_single(name, model.objects.all()))
    return lines


def _by_lane(rows: QuerySet[Any], since: str) -> Iterable[tuple[str, int, datetime | None]]:
    found: Iterable[tuple[str, int, datetime | None]] = (
        rows.order_by().values_list("lane").annotate(n=Count("pk"), oldest=Min(since))
    )
    return found


def _single(name: str, rows: QuerySet[Any]) -> Backlog:
    """A line without lanes: all of its work is interactive."""
    counts: defaultdict[str, tuple[int, datetime | None]] = defaultdict(lambda: (0, None))
    open_rows = rows.filter(state__in=[LeaseState.QUEUED, LeaseState.RUNNING]).order_by()
    for state, number, oldest in open_rows.values_list("state").annotate(
        n=Count("pk"), oldest=Min("created_at")
    ):
        counts[state] = number, oldest
    waiting, oldest = counts[LeaseState.QUEUED]
    return Backlog(name, Lane.INTERACTIVE, waiting, counts[LeaseState.RUNNING][0], oldest)

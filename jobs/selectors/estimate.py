"""Estimates a job's place in the queue and its remaining time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Min, Q
from django.utils import timezone

from jobs.models import Job, Picture

# The throughput is measured over this period.
LATELY = timedelta(minutes=10)
# The throughput is measured over at most this many of the latest pictures.
SAMPLE = 200
# A shorter gap between two pictures does not count as idle time.
PAUSE = timedelta(seconds=5)
# Queue positions are counted up to this number.
FAR = 10_000
# How long the figures shared by all users are cached.
CROWD_SECONDS = 5
_QUEUED_OR_RUNNING = Q(state=Picture.State.QUEUED) | Q(state=Picture.State.RUNNING)


@dataclass(frozen=True)
class Estimate:
    """ahead: the owner's pictures that run first. seconds: remaining time; None if unknown."""

    ahead: int
    seconds: int | None

    @property
    def words(self) -> str:
        """The remaining time in words, "" if unknown."""
        if self.seconds is None:
            return ""
        minutes = round(self.seconds / 60)
        if minutes < 1:
            return "less than a minute left"
        if minutes < 90:
            return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
        return f"about {round(minutes / 60)} hours left"


def time_left(job: Job) -> Estimate | None:
    """Returns the estimate of an active job; None for any other.

    The queue is fair by user, so another user's backlog counts at most as much as the owner's own.
    """
    if job.state != Job.State.ACTIVE:
        return None
    left = Picture.objects.filter(_QUEUED_OR_RUNNING, job=job).count()
    # Queued before this job was made. Leaves out dispatched pictures, which are at most a window.
    before = Picture.objects.filter(
        user=job.user_id,
        lane=job.lane,
        state=Picture.State.QUEUED,
        dispatched_at__isnull=True,
        queued_at__lt=job.created_at,
    )
    ahead = before[:FAR].count()
    name = f"estimate:{job.lane}"
    crowd: tuple[int, int, float] | None = cache.get(name)
    if crowd is None:
        crowd = _lane_load(job.lane)
        cache.set(name, crowd, CROWD_SECONDS)
    users, pictures, pace = crowd
    if not pace:
        return Estimate(ahead, None)
    turns = min((left + ahead) * max(users, 1), max(pictures, left + ahead))
    return Estimate(ahead, round(turns / pace))


def _lane_load(lane: str) -> tuple[int, int, float]:
    """Returns how many users of a lane have unfinished pictures, how many pictures, and the throughput."""
    at_work = Picture.objects.filter(_QUEUED_OR_RUNNING, lane=lane).order_by()
    counted = at_work.aggregate(users=Count("user", distinct=True), pictures=Count("*"))
    return counted["users"], counted["pictures"], _throughput()


def _throughput() -> float:
    """Returns the recent throughput in pictures per second of busy time; 0 if nothing was done."""
    now = timezone.now()
    recent = Picture.objects.filter(
        state=Picture.State.DONE, finished_at__gte=now - LATELY, started_at__isnull=False
    )
    times = recent.order_by("-finished_at").values_list("started_at", "finished_at")[:SAMPLE]
    # The query excludes nulls, but the type checker cannot know.
    spans = [(start, end) for start, end in times if start and end]
    if not spans:
        return 0.0
    # Pictures that wait since the last one ended are waiting for a worker, so that time is not idle.
    waiting = Picture.objects.filter(_QUEUED_OR_RUNNING).aggregate(since=Min("queued_at"))["since"]
    to_now = [(max(spans[0][1], waiting), now)] if waiting else []
    return len(spans) / max(_busy_time([*spans, *to_now], now - LATELY).total_seconds(), 1.0)


def _busy_time(spans: list[tuple[datetime, datetime]], since: datetime) -> timedelta:
    """Returns the time after `since` that the spans cover, including short gaps between them."""
    busy, reached = timedelta(), None
    for start, end in sorted(spans):
        begin = max(start, since) if reached is None or start - reached > PAUSE else reached
        if end > begin:
            busy += end - begin
            reached = end
    return busy

"""Where a job stands in the queue, and about how long it will still take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Min, Q
from django.utils import timezone

from jobs.models import Job, Picture

# What was done in so many minutes tells how fast the workers are.
LATELY = timedelta(minutes=10)
# The pace is that of so many pictures at most, the latest.
SAMPLE = 200
# Between two pictures that come one after the other a worker is not idle for so long.
PAUSE = timedelta(seconds=5)
# Behind so many pictures nobody minds one more, and nobody counts further.
FAR = 10_000
# What is the same for everybody is looked up once in so many seconds, however many pages ask.
CROWD_SECONDS = 5
_AT_WORK = Q(state=Picture.State.QUEUED) | Q(state=Picture.State.RUNNING)


@dataclass(frozen=True)
class Estimate:
    """ahead: the owner's own pictures that come first. seconds: until the end; None: nobody can tell."""

    ahead: int
    seconds: int | None

    @property
    def words(self) -> str:
        """The time left as people say it, "" where nobody can tell."""
        if self.seconds is None:
            return ""
        minutes = round(self.seconds / 60)
        if minutes < 1:
            return "less than a minute left"
        if minutes < 90:
            return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
        return f"about {round(minutes / 60)} hours left"


def outlook(job: Job) -> Estimate | None:
    """The outlook of a job at work; None for any other.

    Users take turns, so that what others have waiting counts by their number and not by its length.
    """
    if job.state != Job.State.ACTIVE:
        return None
    left = Picture.objects.filter(_AT_WORK, job=job).count()
    # Sent before this job was made. What is with a worker already is a window's worth, and left out.
    before = Picture.objects.filter(
        user=job.user_id,
        lane=job.lane,
        state=Picture.State.QUEUED,
        dispatched_at__isnull=True,
        queued_at__lt=job.created_at,
    )
    ahead = before[:FAR].count()
    name = f"outlook:{job.lane}"
    crowd: tuple[int, int, float] | None = cache.get(name)
    if crowd is None:
        crowd = _crowd(job.lane)
        cache.set(name, crowd, CROWD_SECONDS)
    users, pictures, pace = crowd
    if not pace:
        return Estimate(ahead, None)
    turns = min((left + ahead) * max(users, 1), max(pictures, left + ahead))
    return Estimate(ahead, round(turns / pace))


def _crowd(lane: str) -> tuple[int, int, float]:
    """How many users of a lane have pictures at work, how many those are, and the workers' pace."""
    at_work = Picture.objects.filter(_AT_WORK, lane=lane).order_by()
    counted = at_work.aggregate(users=Count("user", distinct=True), pictures=Count("*"))
    return counted["users"], counted["pictures"], _pace()


def _pace() -> float:
    """Pictures done a second lately, while there was something to do; 0 where nothing was."""
    now = timezone.now()
    recent = Picture.objects.filter(
        state=Picture.State.DONE, finished_at__gte=now - LATELY, started_at__isnull=False
    )
    times = recent.order_by("-finished_at").values_list("started_at", "finished_at")[:SAMPLE]
    # The filter leaves out what has no times; the types do not know that.
    spans = [(start, end) for start, end in times if start and end]
    if not spans:
        return 0.0
    # What has waited since the last one ended waits for a worker: that time is not idle.
    waiting = Picture.objects.filter(_AT_WORK).aggregate(since=Min("queued_at"))["since"]
    to_now = [(max(spans[0][1], waiting), now)] if waiting else []
    return len(spans) / max(_busy([*spans, *to_now], now - LATELY).total_seconds(), 1.0)


def _busy(spans: list[tuple[datetime, datetime]], since: datetime) -> timedelta:
    """For how long after `since` one of the spans lasted, short pauses between them included."""
    busy, reached = timedelta(), None
    for start, end in sorted(spans):
        begin = max(start, since) if reached is None or start - reached > PAUSE else reached
        if end > begin:
            busy += end - begin
            reached = end
    return busy

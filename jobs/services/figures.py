"""Counts the daily figures of satisfaction, and keeps what counts of pictures that are deleted.

A picture counts on the day (UTC) on which it ended. People download, correct and judge it later, so a day is
counted again until it is final, OPEN_DAYS later. Counting a day twice gives the same figures.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from jobs import clock
from jobs.models import (
    CountedDay,
    DailyFailures,
    DailyFigures,
    DailyTimes,
    Matte,
    PastPicture,
    Picture,
)
from jobs.models.figures import COUNTERS
from jobs.statistics import bucket_of

logger = logging.getLogger(__name__)

# People change their mind within days; the usual retention is 30 days.
OPEN_DAYS: Final = 35
# How old the figures of a day may be, in minutes: of today and yesterday, and of the other open days.
FRESH_MINUTES: Final = 5
STALE_MINUTES: Final = 6 * 60
# After a long stop, days before this are not counted.
LONGEST_GAP_DAYS: Final = 400
AT_ONCE: Final = 500

ENDED: Final = (Picture.State.DONE, Picture.State.FAILED)
DIMENSIONS: Final = ("model", "refinement", "origin")
GROUP: Final = (*DIMENSIONS, "state", "error_code", "downloaded", "corrected", "redone", "refused", "verdict")

Group = dict[str, Any]
# Counters by the key of their row.
Rows = defaultdict[tuple[Any, ...], Counter[str]]


def keep(pictures: QuerySet[Picture], *, by_owner: bool) -> None:
    """Keeps what counts of pictures that are about to be deleted. Call it in the transaction that deletes.

    by_owner: their owner deletes them; results that nobody downloaded then count as refused.
    """
    since = _start(clock.now().date() - timedelta(days=OPEN_DAYS))
    rows = _facts(pictures.filter(finished_at__gte=since)).values(
        *GROUP, "lane", "queued_at", "started_at", "finished_at"
    )
    PastPicture.objects.bulk_create([_past(row, by_owner) for row in rows], batch_size=AT_ONCE)


def _past(row: Group, by_owner: bool) -> PastPicture:
    waited, processed = _times(row["queued_at"], row["started_at"], row["finished_at"])
    untouched = not row["downloaded"] and row["state"] == Picture.State.DONE
    return PastPicture(
        day=row["finished_at"].astimezone(UTC).date(),
        waited=waited,
        processed=processed,
        lane=row["lane"],
        **{name: row[name] for name in GROUP if name != "refused"},
        refused=by_owner and untouched,
    )


def refresh() -> bool:
    """Counts the day whose figures are the most out of date. Returns whether it counted one.

    Several schedulers may run at once: the one that writes a day first wins, the others write nothing.
    """
    now = clock.now()
    day = _next_day(now)
    if day is None:
        return False
    seen = CountedDay.objects.filter(pk=day).values_list("counted_at", flat=True).first()
    figures, failures, times = _count(day)
    with transaction.atomic():
        if seen is None:
            won = CountedDay.objects.get_or_create(pk=day, defaults={"counted_at": now})[1]
        else:
            won = bool(CountedDay.objects.filter(pk=day, counted_at=seen).update(counted_at=now))
        if not won:
            return True
        _replace(DailyFigures, day, figures, DIMENSIONS, COUNTERS)
        _replace(DailyFailures, day, failures, ("code",), ("count",))
        _replace(DailyTimes, day, times, ("lane", "kind", "bucket"), ("count",))
    return True


def sweep() -> int:
    """Deletes what was kept of deleted pictures of days that are final. Returns how many, at most AT_ONCE."""
    final = clock.now().date() - timedelta(days=OPEN_DAYS + 1)
    # A day that the scheduler could not count yet is still needed.
    counted = CountedDay.objects.aggregate(last=Max("day"))["last"] or date.min
    over = PastPicture.objects.filter(day__lt=min(final, counted)).order_by("pk")
    chosen = list(over.values_list("pk", flat=True)[:AT_ONCE])
    deleted: int = PastPicture.objects.filter(pk__in=chosen).delete()[0] if chosen else 0
    return deleted


def _next_day(now: datetime) -> date | None:
    """The next day to count: the oldest one that was not counted since it ended, or else the one most out of
    date.
    """
    today = now.astimezone(UTC).date()
    first = _first_day(today)
    counted = dict(CountedDay.objects.filter(day__gte=first).values_list("day", "counted_at"))
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    for day in days:
        if day not in counted or (day < today and counted[day] < _start(day + timedelta(days=1))):
            return day

    def overdue(day: date) -> float:
        last = min(counted[day], now)
        limit = FRESH_MINUTES if (today - day).days <= 1 else STALE_MINUTES
        return (now - last) / timedelta(minutes=limit)

    stalest = max(days, key=overdue)
    return stalest if overdue(stalest) >= 1 else None


def _first_day(today: date) -> date:
    """The first day that may still change: within OPEN_DAYS, or the last counted day after a long stop."""
    known = CountedDay.objects.filter(day__lte=today).aggregate(first=Min("day"), last=Max("day"))
    if known["last"] is None:
        done = Picture.objects.filter(state=Picture.State.DONE).aggregate(first=Min("finished_at"))["first"]
        first = done.astimezone(UTC).date() if done else today
    else:
        first = max(known["first"], min(known["last"], today - timedelta(days=OPEN_DAYS)))
    return min(today, max(first, today - timedelta(days=LONGEST_GAP_DAYS)))


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _of_day(day: date) -> QuerySet[Picture]:
    rows: QuerySet[Picture] = Picture.objects.filter(
        finished_at__gte=_start(day), finished_at__lt=_start(day + timedelta(days=1))
    )
    return rows


def _facts(pictures: QuerySet[Picture]) -> QuerySet[Picture]:
    """Ended pictures with the fields of GROUP."""
    by_people = Matte.objects.filter(picture=OuterRef("pk")).exclude(origin=Matte.Origin.MODEL)
    text = CharField()
    yes, no = Value(True), Value(False)
    return (
        pictures.filter(state__in=ENDED)
        .order_by()
        .annotate(
            model=Coalesce(KeyTextTransform("model", "job__recipe"), Value(""), output_field=text),
            refinement=Coalesce(KeyTextTransform("refine", "job__recipe"), Value(""), output_field=text),
            origin=F("job__origin"),
            downloaded=Case(
                When(downloaded_at__isnull=False, then=yes), default=no, output_field=BooleanField()
            ),
            corrected=Exists(by_people),
            redone=Case(
                When(Q(redone_at__isnull=False) | Q(job__redone_at__isnull=False), then=yes),
                default=no,
                output_field=BooleanField(),
            ),
            refused=no,
            # Only verdicts on the model's own matte compare models.
            verdict=Case(
                When(feedback__matte_revision=1, then=F("feedback__verdict")),
                default=Value(""),
                output_field=text,
            ),
        )
    )


def _count(day: date) -> tuple[Rows, Rows, Rows]:
    figures: Rows = defaultdict(Counter)
    failures: Rows = defaultdict(Counter)
    live = [_facts(_of_day(day).filter(state=state)) for state in ENDED]
    past = PastPicture.objects.filter(day=day).order_by()
    for rows in (*live, past):
        for group in rows.values(*GROUP).annotate(n=Count("pk")):
            _add(group, figures, failures)
    return figures, failures, _histograms(day)


def _add(group: Group, figures: Rows, failures: Rows) -> None:
    counts, number = figures[tuple(group[name] for name in DIMENSIONS)], group["n"]
    if group["state"] == Picture.State.FAILED:
        counts["failed"] += number
        failures[(group["error_code"],)]["count"] += number
        return
    counts["done"] += number
    if group["verdict"]:
        counts[group["verdict"]] += number
    if group["downloaded"] and not group["corrected"]:
        counts["as_is"] += number
    for name in ("corrected", "redone", "refused"):
        counts[name] += number if group[name] else 0


def _histograms(day: date) -> Rows:
    times: Rows = defaultdict(Counter)

    def add(lane: str, waited: float | None, processed: float | None) -> None:
        for kind, seconds in ((DailyTimes.Kind.WAITING, waited), (DailyTimes.Kind.PROCESSING, processed)):
            if seconds is not None:
                times[(lane, str(kind), bucket_of(seconds))]["count"] += 1

    done = _of_day(day).filter(state=Picture.State.DONE).order_by()
    moments = done.values_list("lane", "queued_at", "started_at", "finished_at")
    for lane, queued, started, finished in moments.iterator():
        add(lane, *_times(queued, started, finished))
    past = PastPicture.objects.filter(day=day, state=Picture.State.DONE).order_by()
    for lane, waited, processed in past.values_list("lane", "waited", "processed").iterator():
        add(lane, waited, processed)
    return times


def _times(
    queued: datetime, started: datetime | None, finished: datetime | None
) -> tuple[float | None, float | None]:
    """Seconds in the queue until the last claim, and seconds from there to the end."""
    if started is None or finished is None:
        return None, None
    return max(0.0, (started - queued).total_seconds()), max(0.0, (finished - started).total_seconds())


def _replace(model: type[Any], day: date, rows: Rows, key: Iterable[str], counters: Iterable[str]) -> None:
    """Writes the rows of a day, and deletes those that are no longer counted."""
    key, counters = tuple(key), tuple(counters)
    there = {row[0]: row[1:] for row in _keys(model, day, key)}
    gone = [pk for pk, of in there.items() if of not in rows]
    for start in range(0, len(gone), AT_ONCE):
        model.objects.filter(pk__in=gone[start : start + AT_ONCE]).delete()
    made = [
        model(day=day, **dict(zip(key, of, strict=True)), **{name: counts[name] for name in counters})
        for of, counts in rows.items()
    ]
    model.objects.bulk_create(
        made,
        batch_size=AT_ONCE,
        update_conflicts=True,
        unique_fields=["day", *key],
        update_fields=list(counters),
    )


def _keys(model: type[Any], day: date, key: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return list(model.objects.filter(day=day).values_list("pk", *key))

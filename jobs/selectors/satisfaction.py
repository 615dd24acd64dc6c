"""The dashboard's figures: sums of the daily tables, in a constant number of queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import TruncWeek
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.models import CountedDay, DailyFailures, DailyFigures, DailyTimes
from jobs.models.figures import COUNTERS
from jobs.statistics import Interval, percentile, wilson

PERIODS: Final = (7, 30, 90, 365)
CODES: Final = 20


@dataclass(frozen=True)
class Measure:
    """A share that the dashboard shows: `part` of the sum of `whole`."""

    name: str
    label: Promise
    part: str
    whole: tuple[str, ...]


MEASURES: Final = (
    Measure("up", _("Thumbs up"), "up", ("up", "down")),
    Measure("as_is", _("Downloaded without a correction"), "as_is", ("done",)),
    Measure("corrected", _("Corrected by a person"), "corrected", ("done",)),
    Measure("redone", _("Made again with another recipe"), "redone", ("done",)),
    Measure("refused", _("Deleted without a download"), "refused", ("done",)),
    Measure("failed", _("No result"), "failed", ("done", "failed")),
)


@dataclass(frozen=True)
class Share:
    """One measure of one group. interval: None if there is nothing to share."""

    measure: Measure
    count: int
    of: int
    interval: Interval | None


@dataclass(frozen=True)
class Row:
    """The figures of one group, such as one model."""

    label: str
    counts: Mapping[str, int]

    @property
    def shares(self) -> list[Share]:
        """Every measure of this group."""
        return [share_of(measure, self.counts) for measure in MEASURES]


@dataclass(frozen=True)
class Times:
    """Seconds of one kind in one lane: median and 95th percentile, of `count` results."""

    kind: str
    lane: str
    count: int
    median: float | None
    p95: float | None


@dataclass(frozen=True)
class Report:
    """What the dashboard shows of a period. counted_at: when the newest figures were counted."""

    since: date
    until: date
    total: Row
    by_week: list[Row]
    by_model: list[Row]
    by_refinement: list[Row]
    by_origin: list[Row]
    times: list[Times]
    failures: list[tuple[str, int]]
    counted_at: datetime | None


def share_of(measure: Measure, counts: Mapping[str, int]) -> Share:
    """One measure of these counts, with its 95 % interval."""
    count, of = counts.get(measure.part, 0), sum(counts.get(name, 0) for name in measure.whole)
    return Share(measure, count, of, wilson(count, of))


def since_of(until: date, days: int) -> date:
    """The first day of a period of so many days that ends with `until`."""
    return until - timedelta(days=days - 1)


def daily(since: date, until: date) -> QuerySet[DailyFigures]:
    """The daily rows of a period, in order. The caller bounds the number of rows."""
    rows: QuerySet[DailyFigures] = DailyFigures.objects.filter(day__gte=since, day__lte=until)
    return rows.order_by("day", "model", "refinement", "origin")


def report(since: date, until: date) -> Report:
    """All figures of a period (both days included), in four queries."""
    sums = {name: Sum(name) for name in COUNTERS}
    groups = (
        daily(since, until)
        .order_by()
        .annotate(week=TruncWeek("day"))
        .values("week", "model", "refinement", "origin")
        .annotate(**{f"n_{name}": total for name, total in sums.items()})
    )
    total: Counter[str] = Counter()
    by: dict[str, defaultdict[str, Counter[str]]] = {
        name: defaultdict(Counter) for name in ("week", "model", "refinement", "origin")
    }
    for group in groups:
        found: dict[str, Any] = dict(group)
        counts = {name: found[f"n_{name}"] for name in COUNTERS}
        total.update(counts)
        for name, sets in by.items():
            sets[str(found[name])].update(counts)
    return Report(
        since=since,
        until=until,
        total=Row(str(_("All")), total),
        by_week=_rows(by["week"]),
        by_model=_rows(by["model"]),
        by_refinement=_rows(by["refinement"]),
        by_origin=_rows(by["origin"]),
        times=times(since, until),
        failures=failures(since, until),
        counted_at=CountedDay.objects.aggregate(at=Max("counted_at"))["at"],
    )


def totals(since: date, until: date) -> dict[str, int]:
    """The sums of all counters of a period."""
    sums = daily(since, until).order_by().aggregate(**{f"n_{name}": Sum(name) for name in COUNTERS})
    return {name: sums[f"n_{name}"] or 0 for name in COUNTERS}


def failures(since: date, until: date, most: int = CODES) -> list[tuple[str, int]]:
    """The most frequent error codes of a period with their numbers; the others are summed as “other”."""
    rows = (
        DailyFailures.objects.filter(day__gte=since, day__lte=until)
        .order_by()
        .values_list("code")
        .annotate(n=Sum("count"))
        .order_by("-n", "code")
    )
    found = list(rows)
    rest = sum(number for _code, number in found[most:])
    return [*found[:most], *([("other", rest)] if rest else [])]


def times(since: date, until: date) -> list[Times]:
    """Waiting and processing times of a period, by lane."""
    rows = (
        DailyTimes.objects.filter(day__gte=since, day__lte=until)
        .order_by()
        .values_list("kind", "lane", "bucket")
        .annotate(n=Sum("count"))
    )
    buckets: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for kind, lane, bucket, number in rows:
        buckets[kind, lane][bucket] = number
    return [
        Times(
            kind,
            lane,
            sum(buckets[kind, lane].values()),
            percentile(buckets[kind, lane], 0.5),
            percentile(buckets[kind, lane], 0.95),
        )
        for kind, lane in sorted(buckets, reverse=True)
    ]


def _rows(sets: Mapping[str, Counter[str]]) -> list[Row]:
    return [Row(label, counts) for label, counts in sorted(sets.items())]

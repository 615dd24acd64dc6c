"""The dashboard of satisfaction: shares with their intervals, times, failures, queue and workers."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from common.admin import Kept
from common.spreadsheet import escape_formula
from common.threads import run_in_thread
from jobs import clock
from jobs.admin.charts import line_chart, share_bar
from jobs.models import DailyFigures
from jobs.models.figures import COUNTERS
from jobs.queue import workers
from jobs.selectors import satisfaction
from jobs.selectors.backlog import backlog
from jobs.selectors.satisfaction import MEASURES, PERIODS, Row, Share
from jobs.statistics import Interval

PERMISSION: Final = "jobs.view_satisfaction"
DEFAULT_DAYS: Final = 30
PAGE: Final = 1_000
DIMENSIONS: Final = ("day", "model", "refinement", "origin")


class SatisfactionAdmin(Kept):
    """One page in place of the list of daily figures, and its CSV."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff with the permission of the dashboard."""
        return bool(request.user.is_active and request.user.has_perm(PERMISSION))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Shows the page in the menu to those who may open it."""
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """The page and its CSV. The rows have no pages of their own."""
        return [
            path("", self.admin_site.admin_view(self.dashboard), name="jobs_dailyfigures_changelist"),
            path("csv/", self.admin_site.admin_view(self.export), name="jobs_dailyfigures_export"),
        ]

    def dashboard(self, request: HttpRequest) -> HttpResponse:
        """The figures of the chosen period, and the queue and the workers of this moment."""
        days = self._days(request)
        until = clock.now().date()
        report = satisfaction.report(satisfaction.since_of(until, days), until)
        now = clock.now()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Satisfaction"),
            "opts": self.opts,
            "report": report,
            "days": days,
            "periods": PERIODS,
            "measures": MEASURES,
            "total": [_shown(share) for share in report.total.shares],
            "trends": [_trend(report.by_week, number) for number in range(len(MEASURES))],
            "groups": [
                (title, [(row, [_shown(share) for share in row.shares]) for row in rows])
                for title, rows in (
                    (_("By model"), report.by_model),
                    (_("By refinement"), report.by_refinement),
                    (_("By origin"), report.by_origin),
                    (_("By week"), report.by_week),
                )
            ],
            "backlog": [(one, timedelta(seconds=round(one.age(now)))) for one in backlog()],
            "workers": _workers(),
        }
        return TemplateResponse(request, "admin/jobs/satisfaction.html", context)

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The daily figures of the period as CSV, streamed."""
        days = self._days(request)
        until = clock.now().date()
        lines = _csv(satisfaction.since_of(until, days), until)
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="satisfaction-{days}-days.csv"'
        return answer

    def _days(self, request: HttpRequest) -> int:
        """The chosen period. Raises PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        wanted = request.GET.get("days", "")
        return int(wanted) if wanted in map(str, PERIODS) else DEFAULT_DAYS


def _shown(share: Share) -> dict[str, Any]:
    """A share for the template. Percentages are whole numbers: the interval says how exact they are."""
    found = share.interval
    return {
        "measure": share.measure,
        "count": share.count,
        "of": share.of,
        "percent": None if found is None else round(found.share * 100),
        "low": None if found is None else round(found.low * 100),
        "high": None if found is None else round(found.high * 100),
        "bar": share_bar(found),
    }


def _trend(weeks: Sequence[Row], number: int) -> tuple[str, str]:
    """The name of a measure and its chart by week."""
    label = str(MEASURES[number].label)
    points = [(week.label, week.shares[number].interval) for week in weeks]
    return label, line_chart(
        points, _("%(measure)s by week; the table below has the numbers") % {"measure": label}
    )


def _workers() -> list[workers.Worker] | None:
    """The workers that are ready; None if Redis does not answer."""
    try:
        return sorted(workers.alive(), key=lambda one: (one["host"], one["pid"]))
    except RedisError:
        return None


async def _csv(since: date, until: date) -> AsyncIterator[str]:
    """The lines, a page of rows at a time."""
    shares = [f"{measure.name}_{part}" for measure in MEASURES for part in ("share", "low", "high")]
    yield _lines([[*DIMENSIONS, *COUNTERS, *shares]])
    rows = satisfaction.daily(since, until)
    start = 0
    while page := await run_in_thread(_page, rows, start):
        start += PAGE
        yield _lines(map(_cells, page))


def _page(rows: QuerySet[DailyFigures], start: int) -> list[DailyFigures]:
    return list(rows[start : start + PAGE])


def _cells(row: DailyFigures) -> list[str]:
    counts = {name: getattr(row, name) for name in COUNTERS}
    intervals = [share.interval for share in Row("", counts).shares]
    return [
        *(escape_formula(str(getattr(row, name))) for name in DIMENSIONS),
        *map(str, counts.values()),
        *(part for one in intervals for part in _parts(one)),
    ]


def _parts(interval: Interval | None) -> list[str]:
    return ["", "", ""] if interval is None else [f"{part:.4f}" for part in interval]


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()

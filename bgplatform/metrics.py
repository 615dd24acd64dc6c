"""`/metrics` for Prometheus: backlog, workers, results and failures, read when it is asked for.

All figures come from the database and Redis, so every web process answers the same. They are kept for a few
seconds, so that nobody can load the database by asking often. Labels take their values from small fixed sets.
"""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry
from redis.exceptions import RedisError

from common.addresses import client_address
from jobs import clock
from jobs.moderation import failures
from jobs.queue import workers
from jobs.selectors import backlog as queues
from jobs.selectors import satisfaction
from jobs.selectors.satisfaction import MEASURES

logger = logging.getLogger(__name__)

FRESH_SECONDS: Final = 5.0
DAYS: Final = 30
CODES: Final = 50
FORWARDED: Final = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


class SiteCollector(Collector):
    """Reads the site's figures. Raises DatabaseError if the database does not answer."""

    def collect(self) -> Iterator[Metric]:
        """The metrics, each with all of its samples."""
        yield from _backlog()
        yield from _workers()
        yield from _results()
        yield _inspection_failures()


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics in the format that the client accepts: Prometheus' text format or OpenMetrics."""
    if settings.METRICS_TOKEN:
        if not _has_token(request):
            return HttpResponse(
                "Send the METRICS_TOKEN of this site as a bearer token.\n",
                status=401,
                content_type="text/plain; charset=utf-8",
                headers={"WWW-Authenticate": "Bearer"},
            )
    elif not _is_local(request):
        raise Http404("Metrics are answered on this machine only. Set METRICS_TOKEN to read them elsewhere.")
    try:
        found = _fresh()
    except DatabaseError:
        return HttpResponse(
            "The database does not answer.\n", status=503, content_type="text/plain; charset=utf-8"
        )
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_Known(found)), content_type=content_type)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), settings.METRICS_TOKEN.encode())
    return scheme.lower() == "bearer" and same


def _is_local(request: HttpRequest) -> bool:
    """Whether the client is on this machine. A proxy on it passes on requests of others."""
    if not settings.BEHIND_PROXY and any(name in request.headers for name in FORWARDED):
        return False
    address = client_address(request)
    return bool(address) and ip_address(address).is_loopback


class _Known(CollectorRegistry):
    """A registry of metrics that were collected already."""

    def __init__(self, found: list[Metric]) -> None:
        super().__init__()
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        return iter(self._found)


_last: tuple[float, list[Metric]] | None = None
_asking = threading.Lock()


def _fresh() -> list[Metric]:
    """The metrics, at most FRESH_SECONDS old. Of requests at once, one asks the database."""
    global _last
    with _asking:
        if _last is None or time.monotonic() - _last[0] >= FRESH_SECONDS:
            _last = time.monotonic(), list(SiteCollector().collect())
        return _last[1]


def forget() -> None:
    """Forgets the kept metrics."""
    global _last
    _last = None


def _backlog() -> Iterator[Metric]:
    labels = ["line", "lane"]
    waiting = GaugeMetricFamily("bgplatform_queue_depth", "Work that waits for a worker.", labels=labels)
    running = GaugeMetricFamily("bgplatform_running", "Work that a worker has claimed.", labels=labels)
    oldest = GaugeMetricFamily(
        "bgplatform_queue_oldest_age_seconds",
        "How long the oldest waiting work has waited; 0 if none waits.",
        labels=labels,
    )
    now = clock.now()
    for one in queues.backlog():
        key = [one.line, one.lane]
        waiting.add_metric(key, one.waiting)
        running.add_metric(key, one.running)
        oldest.add_metric(key, one.age(now))
    yield from (waiting, running, oldest)


def _workers() -> Iterator[Metric]:
    ready = GaugeMetricFamily(
        "bgplatform_workers", "Workers that are ready, by what they run on.", labels=["engine"]
    )
    redis_up = GaugeMetricFamily("bgplatform_redis_up", "Whether Redis answers: 1 or 0.")
    try:
        for engine, number in sorted(Counter(one["engine"] for one in workers.alive()).items()):
            ready.add_metric([engine], number)
        redis_up.add_metric([], 1)
    except RedisError:
        redis_up.add_metric([], 0)
    yield from (ready, redis_up)


def _inspection_failures() -> Metric:
    failed = GaugeMetricFamily(
        "bgplatform_inspection_failures",
        "How often workers failed to look at a picture for moderation, since Redis was last empty.",
        labels=["step"],
    )
    try:
        for step, number in failures.counts().items():
            failed.add_metric([step], number)
    except RedisError:
        logger.info("Redis does not answer: the failures of inspections are not known")
    return failed


def _results() -> Iterator[Metric]:
    until = clock.now().date()
    since = satisfaction.since_of(until, DAYS)
    counts = satisfaction.totals(since, until)
    results = GaugeMetricFamily(
        "bgplatform_results_30d",
        "Results of the last 30 days: all (done), and what became of them. Failed pictures have none.",
        labels=["outcome"],
    )
    for name in ("done", *(measure.part for measure in MEASURES if measure.part not in {"up", "down"})):
        results.add_metric([name], counts[name])
    thumbs = GaugeMetricFamily(
        "bgplatform_feedback_30d", "Thumbs on the model's results of the last 30 days.", labels=["verdict"]
    )
    for name in ("up", "down"):
        thumbs.add_metric([name], counts[name])
    failures = GaugeMetricFamily(
        "bgplatform_failures_30d", "Failed pictures of the last 30 days, by error code.", labels=["code"]
    )
    for code, number in satisfaction.failures(since, until, CODES):
        failures.add_metric([code], number)
    yield from (results, thumbs, failures)
    # Of today and yesterday: today alone is short in the morning.
    kinds = {
        kind: GaugeMetricFamily(
            f"bgplatform_{kind}_time_seconds",
            f"Median (0.5) and 95th percentile (0.95) of the {kind} time, today and yesterday.",
            labels=["lane", "share"],
        )
        for kind in ("waiting", "processing")
    }
    for one in satisfaction.times(until - timedelta(days=1), until):
        for share, seconds in (("0.5", one.median), ("0.95", one.p95)):
            if seconds is not None:
                kinds[one.kind].add_metric([one.lane, share], seconds)
    yield from kinds.values()

"""Times, numbers of queries, and plans with full table scans."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.benchmarks.scale.limits import Limit

WARM_UP = 3


@dataclass(frozen=True)
class Measured:
    """One request: the milliseconds of each repetition, and its queries."""

    times: list[float] = field(default_factory=list)
    queries: int = 0
    scans: tuple[str, ...] = ()

    @property
    def median(self) -> float:
        """In milliseconds."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """In milliseconds: the 95th percentile."""
        return statistics.quantiles(self.times, n=20, method="inclusive")[-1]

    def within(self, limit: Limit) -> bool:
        """Whether it meets the limit."""
        return self.median < limit.median and self.p95 < limit.p95

    def __str__(self) -> str:
        return f"{self.median:.0f} / {self.p95:.0f}"


def measure(ask: Callable[[], object], times: int) -> Measured:
    """Runs the request `times` times after a warm-up, then once more to record the queries."""
    for _ in range(WARM_UP):
        ask()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - start) * 1000)
    return looked_at(ask, taken)


def looked_at(ask: Callable[[], object], times: list[float] | None = None) -> Measured:
    """Returns the queries of a request with cold caches, and which of them read all of the pictures."""
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        ask()
    queries = [query["sql"] for query in captured.captured_queries]
    scans = tuple(sql for sql in queries if reads_all_pictures(sql))
    return Measured(times or [], len(queries), scans)


def reads_all_pictures(sql: str) -> bool:
    """Whether a query's plan contains a sequential scan of the pictures."""
    if "jobs_picture" not in sql or not sql.startswith(("SELECT", "UPDATE")):
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        plan = cursor.fetchone()[0]
    root = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return any(
        node["Node Type"] == "Seq Scan" and node["Relation Name"] == "jobs_picture" for node in _nodes(root)
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)

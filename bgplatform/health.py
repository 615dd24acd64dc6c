"""Liveness and readiness checks for supervisors, load balancers and the launcher."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from jobs.queue import store_health, workers


def healthz(request: HttpRequest) -> JsonResponse:
    """Liveness: this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Readiness: database, Redis, file store, and at least one worker with a loaded model. Otherwise 503 with
    what is missing.
    """
    missing: dict[str, str] = {}
    engines: list[str] = []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        missing["database"] = "does not answer"
    try:
        engines = sorted(worker["engine"] for worker in workers.alive())
        if not engines:
            missing["worker"] = "none is ready"
    except RedisError:
        missing["redis"] = "does not answer"
    if problem := store_health.problem():
        missing["store"] = problem
    status = {"status": "missing" if missing else "ready", "missing": missing, "workers": engines}
    return JsonResponse(status, status=503 if missing else 200)

"""Redis or Valkey: reachable, never evicts messages; and the workers that report there."""

from __future__ import annotations

import time
from collections.abc import Iterator

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from bgplatform.doctor.database import clock_finding
from bgplatform.doctor.finding import Finding, error, ok, warning
from common import redis_client
from jobs.queue import workers


def check() -> Iterator[Finding]:
    """Yields the findings. Later checks are left out where the server does not answer."""
    client = redis_client.text_client()
    try:
        version = client.info("server")["redis_version"]
        seconds, microseconds = client.time()
        alive = workers.alive()
    except RedisError as problem:
        yield error("broker", f"Redis does not answer: {problem}", "Check REDIS_URL and the server.")
        return
    yield ok("broker", f"Redis or Valkey {version} answers.")
    yield clock_finding("broker clock", abs(time.time() - seconds - microseconds / 1e6))
    yield _eviction(client)
    if alive:
        engines = ", ".join(sorted({worker["engine"] for worker in alive}))
        yield ok("workers", f"{len(alive)} are ready: {engines}.")
    else:
        yield warning(
            "workers",
            "None is ready: pictures will wait.",
            "Start a worker, or read the log of one that did not start.",
        )


def _eviction(client: Redis) -> Finding:
    try:
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "")
    except ResponseError:
        return ok("broker memory", "The server does not tell its eviction policy. It should be noeviction.")
    if policy == "noeviction":
        return ok("broker memory", "A full server refuses new messages and deletes none.")
    return warning(
        "broker memory",
        f"A full server deletes messages ({policy}). Pictures then wait for REDISPATCH_SECONDS.",
        "Set maxmemory-policy to noeviction.",
    )

"""Heartbeats of workers in Redis: which are alive, and on what they run."""

from __future__ import annotations

import json
import os
import socket
from functools import cache
from typing import TypedDict

import redis
from django.conf import settings

PREFIX = "worker:"


class Worker(TypedDict):
    """A worker's heartbeat."""

    host: str
    pid: int
    engine: str


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=2, socket_connect_timeout=2
    )


def _key() -> str:
    return f"{PREFIX}{socket.gethostname()}:{os.getpid()}"


def report(engine: str) -> None:
    """Record a heartbeat of this process, whose model is loaded. It expires after LEASE_SECONDS."""
    note = Worker(host=socket.gethostname(), pid=os.getpid(), engine=engine)
    _client().set(_key(), json.dumps(note), ex=settings.LEASE_SECONDS)


def withdraw() -> None:
    """Delete the heartbeat: this process stops."""
    _client().delete(_key())


def alive() -> list[Worker]:
    """Returns the workers that are ready."""
    client = _client()
    notes = client.mget(list(client.scan_iter(match=f"{PREFIX}*", count=1000)) or [PREFIX])
    return [json.loads(note) for note in notes if note]

"""Heartbeats of workers in Redis: which are alive, and on what they run."""

from __future__ import annotations

import json
import os
import socket
from typing import TypedDict

from django.conf import settings

from common import redis_client

PREFIX = "worker:"


class Worker(TypedDict):
    """A worker's heartbeat."""

    host: str
    pid: int
    engine: str


def _key() -> str:
    return f"{PREFIX}{socket.gethostname()}:{os.getpid()}"


def report(engine: str) -> None:
    """Record a heartbeat of this process, whose model is loaded. It expires after LEASE_SECONDS."""
    note = Worker(host=socket.gethostname(), pid=os.getpid(), engine=engine)
    redis_client.text_client().set(_key(), json.dumps(note), ex=settings.LEASE_SECONDS)


def withdraw() -> None:
    """Delete the heartbeat: this process stops."""
    redis_client.text_client().delete(_key())


def alive() -> list[Worker]:
    """Returns the workers that are ready."""
    client = redis_client.text_client()
    notes = client.mget(list(client.scan_iter(match=f"{PREFIX}*", count=1000)) or [PREFIX])
    return [json.loads(note) for note in notes if note]

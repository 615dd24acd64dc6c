"""The heartbeat file: touched by the loops of worker, courier and scheduler."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import redis

from bgplatform.broker import make_broker
from common import heartbeat

OLD = 1_000_000_000


@pytest.fixture
def file(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The heartbeat file of this process, last touched in 2001."""
    path = tmp_path / "alive"
    path.touch()
    os.utime(path, (OLD, OLD))
    settings.HEARTBEAT_FILE = str(path)
    monkeypatch.setattr(heartbeat, "_last", -heartbeat.SECONDS)
    return path


def test_it_is_touched_once_in_five_seconds(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now)
    heartbeat.beat()
    assert file.stat().st_mtime > OLD
    os.utime(file, (OLD, OLD))
    now = 104.9
    heartbeat.beat()
    assert file.stat().st_mtime == OLD
    now = 105.0
    heartbeat.beat()
    assert file.stat().st_mtime > OLD


def test_without_the_setting_no_file_is_written(file: Path, settings: Any) -> None:
    settings.HEARTBEAT_FILE = ""
    heartbeat.beat()
    assert file.stat().st_mtime == OLD


def test_a_file_that_cannot_be_written_is_logged(
    file: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HEARTBEAT_FILE = str(file / "below")
    heartbeat.beat()
    assert "the heartbeat file cannot be written" in caplog.text


def test_a_consumer_of_messages_touches_it(file: Path, valkey: redis.Redis, settings: Any) -> None:
    consumer = make_broker(settings.REDIS_URL).consume("batch")
    try:
        os.utime(file, (OLD, OLD))
        heartbeat._last = -heartbeat.SECONDS
        next(consumer)
    finally:
        consumer.close()
    assert file.stat().st_mtime > OLD

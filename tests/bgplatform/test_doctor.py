"""`manage.py doctor`: what is right passes, what is wrong is named with a remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command

from bgplatform.doctor import broker, database, engine, site, store
from bgplatform.doctor.finding import Finding, Level
from jobs.queue import workers
from segmentation import weights

Away = Callable[[], AbstractContextManager[None]]


def by_check(findings: Any) -> dict[str, tuple[Level, str]]:
    """Returns level and message by the name of the check. Every finding but an OK has a remedy."""
    found: list[Finding] = list(findings)
    assert all(bool(one.remedy) == (one.level is not Level.OK) for one in found)
    return {one.check: (one.level, one.message) for one in found}


@pytest.mark.django_db
def test_a_migrated_database_passes() -> None:
    found = by_check(database.check())
    assert {name: level for name, (level, _) in found.items()} in (
        {"database": Level.OK, "migrations": Level.OK},
        {"database": Level.OK, "migrations": Level.OK, "database clock": Level.OK},
    )


@pytest.mark.django_db
def test_an_unapplied_migration_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_unapplied", lambda: ["jobs.0002_more"])
    assert by_check(database.check())["migrations"] == (
        Level.ERROR,
        "1 migrations are not applied, the first is jobs.0002_more.",
    )


@pytest.mark.parametrize(("apart", "level"), [(2.0, Level.OK), (2.1, Level.WARNING)])
def test_clocks_may_differ_by_two_seconds(apart: float, level: Level) -> None:
    assert database.clock_finding("clock", apart).level is level


def test_a_broker_without_workers_warns_and_one_with_a_worker_passes(valkey: redis.Redis) -> None:
    found = by_check(broker.check())
    assert found["workers"] == (Level.WARNING, "None is ready: pictures will wait.")
    assert {found[name][0] for name in ("broker", "broker clock", "broker memory")} == {Level.OK}
    workers.report("u2netp on cpu")
    assert by_check(broker.check())["workers"] == (Level.OK, "1 are ready: u2netp on cpu.")


def test_a_broker_that_evicts_messages_warns(valkey: redis.Redis) -> None:
    valkey.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert by_check(broker.check())["broker memory"][0] is Level.WARNING
    finally:
        valkey.config_set("maxmemory-policy", "noeviction")


def test_a_broker_that_is_away_is_one_error(redis_away: Away) -> None:
    with redis_away():
        found = by_check(broker.check())
    assert {name: level for name, (level, _) in found.items()} == {"broker": Level.ERROR}


def test_the_store_is_written_and_left_empty(tmp_path: Path) -> None:
    assert by_check(store.check()) == {"store": (Level.OK, "A file was written and read.")}
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_a_store_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("no folder")
    assert by_check(store.check())["store"][0] is Level.ERROR


def test_missing_weights_are_an_error(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BGPLATFORM_CACHE", str(tmp_path))
    settings.MODEL = "nothing"
    found = by_check(engine.check())
    assert found["weights"] == (
        Level.ERROR,
        f"The weights of nothing are not in {weights.weights_dir()}.",
    )
    assert found["cache"] == (Level.OK, f"{tmp_path} can be written.")


def test_without_the_engine_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert by_check(engine.check()) == {"engine": (Level.OK, "Not installed here: this is no worker.")}


def test_https_and_the_address_must_agree(settings: Any) -> None:
    settings.SITE_URL, settings.HTTPS = "https://127.0.0.1:9", False
    found = by_check(site.check())
    assert found["HTTPS"] == (Level.ERROR, "SITE_URL is https://127.0.0.1:9, and HTTPS is false.")
    assert found["address"][0] is Level.WARNING  # nothing listens there


def test_the_address_must_be_this_site(settings: Any, live_server: Any) -> None:
    settings.SITE_URL = live_server.url
    assert by_check(site.check())["address"] == (Level.OK, f"{live_server.url} answers.")
    settings.SITE_URL = f"{live_server.url}/nowhere"
    assert by_check(site.check())["address"][0] is Level.ERROR


def test_mail_in_the_log_warns_and_a_closed_port_is_an_error(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert by_check(site.check())["mail"][0] is Level.WARNING
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert by_check(site.check())["mail"][0] is Level.ERROR


@pytest.mark.django_db
def test_an_error_is_the_exit_code(settings: Any, redis_away: Away) -> None:
    out = StringIO()
    with redis_away(), pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    assert ended.value.code == 1
    levels = {one["check"]: one["level"] for one in json.loads(out.getvalue())}
    assert levels["broker"] == "error"

"""Liveness and readiness checks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from jobs.queue import workers

pytestmark = pytest.mark.usefixtures("valkey")


def test_healthz_uses_no_database_and_no_redis(client: Client) -> None:
    """Without database and Redis it only says that this process answers."""
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.cookies == {}


@pytest.mark.django_db
def test_readyz_names_the_workers_engines(client: Client) -> None:
    workers.report("u2netp on cpu by torch in float32")
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "missing": {}, "workers": ["u2netp on cpu by torch in float32"]},
    )


@pytest.mark.django_db
def test_readyz_without_a_worker(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        503,
        {"status": "missing", "missing": {"worker": "none is ready"}, "workers": []},
    )


@pytest.mark.django_db
def test_readyz_without_redis(
    client: Client,
    redis_away: Callable[[], AbstractContextManager[None]],
) -> None:
    with redis_away():
        response = client.get("/readyz")
    assert (response.status_code, response.json()["missing"]) == (503, {"redis": "does not answer"})


@pytest.mark.django_db
def test_readyz_without_the_database(client: Client) -> None:
    workers.report("u2netp")
    with patch("bgplatform.health.connection.cursor", side_effect=OperationalError("gone")):
        response = client.get("/readyz")
    assert (response.status_code, response.json()["missing"]) == (503, {"database": "does not answer"})


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_an_unknown_host_is_refused(client: Client, address: str) -> None:
    assert client.get(address, headers={"Host": "evil.example"}).status_code == 400

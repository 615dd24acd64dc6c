"""A worker's life: it takes no message before its model is loaded, and says when it goes."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from dramatiq.middleware import MiddlewareError
from pytest_django import Settings

from bgplatform.broker import broker
from jobs import workers
from jobs.services import processing
from segmentation.errors import WeightsError

pytestmark = pytest.mark.usefixtures("valkey")


@pytest.fixture
def life() -> Iterator[object]:
    """The middleware of the worker's module, without adding it to the broker of the tests."""
    with patch.object(broker, "add_middleware"):
        from bgplatform.worker import Life
    made = Life()
    yield made
    processing.keeper = None


def test_a_worker_is_ready_when_its_model_is(life: object, settings: Settings) -> None:
    settings.LEASE_SECONDS = 20
    with patch("jobs.engine.warm", return_value="u2netp on cpu"):
        life.before_worker_boot(broker, None)  # type: ignore[attr-defined]
    assert processing.keeper is life.keeper  # type: ignore[attr-defined]
    assert [worker["engine"] for worker in workers.alive()] == ["u2netp on cpu"]
    life.before_worker_shutdown(broker, None)  # type: ignore[attr-defined]
    assert workers.alive() == []
    life.after_worker_shutdown(broker, None)  # type: ignore[attr-defined]


def test_without_its_model_there_is_no_worker(life: object) -> None:
    """Other errors at the boot are only logged by Dramatiq, and the worker would fail every picture."""
    gone = WeightsError("weights_absent", "The weights are not here.")
    with (
        patch("jobs.engine.warm", side_effect=gone),
        pytest.raises(MiddlewareError, match="The weights are not here"),
    ):
        life.before_worker_boot(broker, None)  # type: ignore[attr-defined]
    assert workers.alive() == []
    assert processing.keeper is None

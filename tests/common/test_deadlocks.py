"""Transactions that the database aborts because of another one are retried, and no others."""

from __future__ import annotations

import pytest
from django.db import OperationalError, transaction

from common import deadlocks
from common.deadlocks import TRIES, again_after_deadlock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlocks, "FIRST_PAUSE", 0.0)


class Broken:
    """Raises the given database error a number of times before it succeeds."""

    def __init__(self, times: int, state: str) -> None:
        self.times, self.state, self.calls = times, state, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls > self.times:
            return "done"
        cause = Exception()
        cause.sqlstate = self.state  # type: ignore[attr-defined]  # as psycopg's have it
        raise OperationalError("ended") from cause


def tried(broken: Broken) -> str:
    @again_after_deadlock
    def act() -> str:
        return broken()

    return act()


@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_deadlock_is_retried(state: str) -> None:
    broken = Broken(TRIES - 1, state)
    assert tried(broken) == "done"
    assert broken.calls == TRIES


def test_retries_are_limited() -> None:
    broken = Broken(TRIES, "40P01")
    with pytest.raises(OperationalError):
        tried(broken)
    assert broken.calls == TRIES


def test_other_errors_are_raised() -> None:
    broken = Broken(1, "57P01")
    with pytest.raises(OperationalError):
        tried(broken)
    assert broken.calls == 1


def test_no_retry_inside_a_transaction() -> None:
    broken = Broken(1, "40P01")

    def within() -> None:
        with transaction.atomic():
            tried(broken)

    with pytest.raises(OperationalError):
        within()
    assert broken.calls == 1

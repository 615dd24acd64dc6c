"""What the API's tests share: programs with tokens, and a Valkey that counts their requests."""

from __future__ import annotations

import pytest
import redis

from accounts.models import User
from tests.jobs.api.program import Program

__all__ = ["Program"]


@pytest.fixture(autouse=True)
def _counted(valkey: redis.Redis) -> None:
    """Requests are counted in a real Valkey, which begins empty."""


@pytest.fixture
def program(user: User) -> Program:
    """A program of ada's that may do everything."""
    return Program(user)

"""Shared fixtures of the API tests: clients with tokens, and a Valkey that counts requests."""

from __future__ import annotations

import pytest
import redis

from accounts.models import User
from tests.jobs.api.program import Program

__all__ = ["Program"]


@pytest.fixture(autouse=True)
def _counted(valkey: redis.Redis) -> None:
    """Counts requests in a real Valkey that starts empty."""


@pytest.fixture
def program(user: User) -> Program:
    """A client with ada's token, which has all scopes."""
    return Program(user)

"""A claim: the proof that one worker holds a row, valid for as long as its lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

from jobs.models.leased import Leased

R = TypeVar("R", bound=Leased)

# What a row loses when it is no longer claimed.
RELEASED: Final = {"lease_token": None, "lease_until": None, "dispatched_at": None}
# The error code of a row whose worker died at every attempt.
WORKER_LOST: Final = "worker_lost"


@dataclass(frozen=True)
class Claim(Generic[R]):
    """A row as it was when it was claimed, and the token of the claim."""

    row: R
    token: UUID


class LeaseLostError(Exception):
    """The claim is no longer valid: the row was cancelled, deleted, or given to another worker.

    The result is dropped.
    """

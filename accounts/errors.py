"""Refusals of the accounts room: a stable code, a sentence for a person, the status that fits on the wire."""

from __future__ import annotations

from datetime import datetime

from common.errors import SiteError


class AccountsError(SiteError):
    """Base: something was asked for that this account or token may not have."""


class TokenRefusedError(AccountsError):
    """A token that does not open: unknown, expired, revoked, from a wrong address, of a closed account."""

    status = 401


class TokenChoiceError(AccountsError):
    """A token that cannot be made as asked; `field` is what to change."""

    status = 422

    def __init__(self, code: str, sentence: str, field: str) -> None:
        super().__init__(code, sentence)
        self.field = field


class QuotaExceededError(AccountsError):
    """More than the plan allows; nothing was written.

    limit and used are in what the meter counts (pictures, pixels, bytes); resets_at is None where only
    deleting or waiting helps.
    """

    status = 429

    def __init__(
        self, code: str, sentence: str, *, limit: int, used: int, resets_at: datetime | None = None
    ) -> None:
        super().__init__(code, sentence)
        self.limit = limit
        self.used = used
        self.resets_at = resets_at

"""Errors of the accounts app: a stable code, a sentence for people, and an HTTP status."""

from __future__ import annotations

from datetime import datetime

from common.errors import SiteError


class AccountsError(SiteError):
    """Base class: the account or token is not allowed to do this."""


class TokenRefusedError(AccountsError):
    """A refused token: unknown, expired, revoked, from a wrong address, or of a closed account."""

    status = 401


class TokenChoiceError(AccountsError):
    """A token that cannot be created as requested; `field` names the value to change."""

    status = 422

    def __init__(self, code: str, sentence: str, field: str) -> None:
        super().__init__(code, sentence)
        self.field = field


class SuspensionRefusedError(AccountsError):
    """A suspension that is not possible: of an account of the staff, or with an end that has passed."""

    status = 409


class QuotaExceededError(AccountsError):
    """The plan's limit is exceeded; nothing was written.

    limit and used are in the meter's unit (pictures, pixels, bytes). resets_at is None where only deleting or
    waiting helps.
    """

    status = 429

    def __init__(
        self, code: str, sentence: str, *, limit: int, used: int, resets_at: datetime | None = None
    ) -> None:
        super().__init__(code, sentence)
        self.limit = limit
        self.used = used
        self.resets_at = resets_at


class ErasureRefusedError(AccountsError):
    """An account that cannot be erased, or an erasure that cannot be cancelled."""

    status = 409

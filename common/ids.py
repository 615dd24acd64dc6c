"""Identifiers for URLs and keys."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Returns a UUID version 7 (RFC 9562): unguessable and ordered by time, so that indexes grow at their
    end.
    """
    return uuid7()

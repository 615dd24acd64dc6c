"""What a token may do with tokens: never make, or get hold of, one that may more than itself.

What it made, or got hold of, ends with it: see `revoke` in accounts/services/tokens.py.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from ipaddress import ip_network

from accounts.errors import TokenChoiceError
from accounts.models import ApiToken
from common.addresses import canonical_network


class DelegationError(TokenChoiceError):
    """More than the token itself may; `field` is what to change."""

    status = 403


def check(
    caller: ApiToken,
    *,
    scopes: Collection[str],
    expires_at: datetime | None,
    allowed_addresses: Collection[str],
) -> None:
    """Raises DelegationError where such a token could do more than `caller`, or from elsewhere, or longer."""
    more = sorted(set(scopes) - set(caller.scopes))
    if more:
        raise DelegationError(
            "scope_exceeds", f"This token cannot give what it lacks: the scope {more[0]!r}.", "scopes"
        )
    if caller.expiry is not None and (expires_at is None or expires_at > caller.expiry):
        raise DelegationError(
            "expiry_exceeds",
            f"This token ends at {caller.expiry:%Y-%m-%d %H:%M} UTC: what it makes ends then, too.",
            "expires_at",
        )
    if caller.allowed_addresses and not _within(allowed_addresses, caller.allowed_addresses):
        raise DelegationError(
            "addresses_exceed",
            "This token works from some addresses only: what it makes works from some of them.",
            "allowed_addresses",
        )


def check_over(caller: ApiToken, other: ApiToken) -> None:
    """Raises DelegationError where `other` may more than `caller`; a token may do anything with itself."""
    if other.pk != caller.pk:
        check(
            caller,
            scopes=other.scopes,
            expires_at=other.expiry,
            allowed_addresses=other.allowed_addresses,
        )


def _within(given: Collection[str], allowed: Collection[str]) -> bool:
    if not given:
        return False
    try:
        wanted = [ip_network(canonical_network(text)) for text in given]
    except ValueError:
        # What is no network is refused where the token would be made.
        return True
    known = [ip_network(text) for text in allowed]
    return all(any(one.version == net.version and one.subnet_of(net) for net in known) for one in wanted)  # type: ignore[arg-type]

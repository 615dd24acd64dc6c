"""Delegation between tokens: a token never creates or takes over one with more rights than its own.

Tokens that it created or took over end with it: see `revoke` in accounts/services/tokens.py.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from ipaddress import ip_network

from accounts.errors import TokenChoiceError
from accounts.models import ApiToken
from common.addresses import canonical_network


class DelegationError(TokenChoiceError):
    """The requested token exceeds the caller's rights; `field` names the value to change."""

    status = 403


def check(
    caller: ApiToken,
    *,
    scopes: Collection[str],
    expires_at: datetime | None,
    allowed_addresses: Collection[str],
) -> None:
    """Raises DelegationError where such a token would exceed `caller`'s scopes, addresses or lifetime."""
    more = sorted(set(scopes) - set(caller.scopes))
    if more:
        raise DelegationError(
            "scope_exceeds", f"This token cannot grant the scope {more[0]!r}, which it lacks.", "scopes"
        )
    if caller.expiry is not None and (expires_at is None or expires_at > caller.expiry):
        raise DelegationError(
            "expiry_exceeds",
            f"This token expires at {caller.expiry:%Y-%m-%d %H:%M} UTC. "
            "Tokens that it creates cannot expire later.",
            "expires_at",
        )
    if caller.allowed_addresses and not _within(allowed_addresses, caller.allowed_addresses):
        raise DelegationError(
            "addresses_exceed",
            "This token works from certain addresses only. Limit the tokens that it creates to some of them.",
            "allowed_addresses",
        )


def check_over(caller: ApiToken, other: ApiToken) -> None:
    """Raises DelegationError where `other` exceeds `caller`; a token may do anything with itself."""
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
        # An invalid network is refused when the token is created.
        return True
    known = [ip_network(text) for text in allowed]
    return all(any(one.version == net.version and one.subnet_of(net) for net in known) for one in wanted)  # type: ignore[arg-type]

"""Tokens: make, rotate, revoke, and let in whoever holds one.

Nothing about a token is kept outside its row, so that what is revoked is refused by every process at once.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import locks
from accounts.errors import TokenChoiceError, TokenRefusedError
from accounts.models import ApiToken, Scope, User
from common.addresses import canonical_network, is_among

MARK = "bgp_"
# Of the secret's 43 random letters these are shown and stored: 210 random bits stay unknown.
PREFIX_LENGTH = len(MARK) + 8
_WELL_FORMED = re.compile(r"bgp_[A-Za-z0-9_-]{43}")
TOKENS_A_USER = 50
USE_NOTED_EVERY = timedelta(minutes=1)
# Letters and a symbol that show nothing: Hangul fillers, and Braille without a dot.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def create(
    user: User,
    name: str,
    scopes: Collection[str],
    *,
    expires_at: datetime | None = None,
    preview_means_full: bool = False,
    ephemeral: bool = False,
    allowed_addresses: Collection[str] = (),
    made_by: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """A token and its secret, which nobody can be told again. allowed_addresses: addresses or networks.

    made_by: the token that asks for it and is told the secret. Raises TokenChoiceError, which names the
    field, for what no token can be, TokenRefusedError where `made_by` was revoked meanwhile.
    """
    name = " ".join(name.split())
    if not any(map(_shows, name)):
        raise TokenChoiceError("name_missing", "Give the token a name, so that you know it again.", "name")
    if len(name) > 64:
        raise TokenChoiceError("name_too_long", "A token's name has at most 64 letters.", "name")
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown:
        known = ", ".join(Scope.values)
        raise TokenChoiceError(
            "unknown_scope", f"There is no scope {unknown[0]!r}: there are {known}.", "scopes"
        )
    if not scopes:
        raise TokenChoiceError("scope_missing", "Choose at least one thing that the token may do.", "scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise TokenChoiceError("expired_already", "Choose a day that is still to come.", "expires_at")
    networks = _networks(allowed_addresses)
    with transaction.atomic():
        # Also that two at once are not both the last that there is room for.
        _hold(user.pk, made_by)
        if ApiToken.objects.filter(user=user, revoked_at__isnull=True).count() >= TOKENS_A_USER:
            raise TokenChoiceError(
                "too_many_tokens", f"You have {TOKENS_A_USER} tokens. Revoke one that nobody uses.", "name"
            )
        secret = _secret()
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=secret[:PREFIX_LENGTH],
            digest=_digest(secret),
            scopes=[scope for scope in Scope.values if scope in scopes],
            expiry=expires_at,
            preview_means_full=preview_means_full,
            ephemeral=ephemeral,
            allowed_addresses=networks,
            made_by=made_by,
        )
    return token, secret


def rotate(token: ApiToken, by: ApiToken | None = None) -> str:
    """Another secret for the same token; the old one is worth nothing from here on.

    by: the token that asks; None for a person. What this token made stays as it is. Whoever is told the new
    secret is who the token hangs on from here on, but a token that rotates itself stays where it was. Raises
    TokenRefusedError for one that is revoked or expired (rotating brings none back), `by` among them.
    """
    secret = _secret()
    facts: dict[str, object] = {"prefix": secret[:PREFIX_LENGTH], "digest": _digest(secret)}
    if by is None or by.pk != token.pk:
        facts["made_by"] = by
    with transaction.atomic():
        _hold(token.user_id, by)
        rotated = (
            ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True)
            .filter(Q(expiry__isnull=True) | Q(expiry__gt=timezone.now()))
            .update(**facts)
        )
    token.refresh_from_db()
    if not rotated:
        _check(token)
    return secret


def revoke(token: ApiToken) -> int:
    """End a token for good, at once and everywhere, with what it made and what that made; how many ended.

    None where it was revoked before. One update for each generation: nobody has more than TOKENS_A_USER.
    """
    now = timezone.now()
    with transaction.atomic():
        # What it makes at this moment is made before, and ends, too, or is refused.
        _hold(token.user_id)
        mine = ApiToken.objects.filter(user=token.user_id, revoked_at__isnull=True)
        ended, next_ones = 0, [token.pk]
        while next_ones and (count := mine.filter(pk__in=next_ones).update(revoked_at=now)):
            ended += count
            next_ones = list(mine.filter(made_by__in=next_ones).values_list("pk", flat=True))
    token.refresh_from_db()
    return ended


def revoke_all(user: User) -> int:
    """End every token of a user for good; how many ended."""
    with transaction.atomic():
        _hold(user.pk)
        return ApiToken.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=timezone.now())


def authenticate(secret: str, address: str) -> ApiToken:
    """The token of a secret that comes from this address ("" where it is unknown), with its user and plan.

    One query, and at most once a minute another that notes the use. Raises TokenRefusedError.
    """
    found = _find(secret) if _WELL_FORMED.fullmatch(secret) else None
    if found is None:
        raise TokenRefusedError(
            "invalid_token", "This token is unknown here. Check that it was copied whole, or make another."
        )
    _check(found)
    if not found.user.is_active:
        raise TokenRefusedError("account_closed", "The account of this token is closed.")
    if found.allowed_addresses and not is_among(address, found.allowed_addresses):
        refusal = TokenRefusedError(
            "address_not_allowed",
            f"This token does not work from {address or 'an unknown address'}. Allow it, or use another.",
        )
        refusal.status = 403
        raise refusal
    _note_use(found, address)
    return found


def _find(secret: str) -> ApiToken | None:
    digest = _digest(secret)
    # The database looks for what is no secret; the secret part is compared here, in the same time always.
    rows = list(ApiToken.objects.filter(prefix=secret[:PREFIX_LENGTH]).select_related("user__plan"))
    return next((row for row in rows if hmac.compare_digest(row.digest, digest)), None)


def _hold(user: int, caller: ApiToken | None = None) -> None:
    """Lock a user's tokens. Raises TokenRefusedError where the one that asks is over by now."""
    locks.hold_user(user)
    if caller is not None:
        _check(ApiToken.objects.get(pk=caller.pk))


def _check(token: ApiToken) -> None:
    if token.revoked_at is not None:
        raise TokenRefusedError("revoked_token", "This token was revoked. Make another.")
    if token.is_expired:
        raise TokenRefusedError("expired_token", "This token has expired. Make another.")


def _note_use(token: ApiToken, address: str) -> None:
    """When and from where, at most once a minute, whoever comes at the same time."""
    now = timezone.now()
    before = now - USE_NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > before:
        return
    ApiToken.objects.filter(pk=token.pk).filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
    ).update(last_used_at=now, last_used_from=address or None)


def _networks(addresses: Collection[str]) -> list[str]:
    try:
        return list(dict.fromkeys(canonical_network(address) for address in addresses))
    except ValueError as error:
        raise TokenChoiceError(
            "invalid_address",
            "Write each address as 192.0.2.7 or 2001:db8::7, a network as 192.0.2.0/24.",
            "allowed_addresses",
        ) from error


def _shows(character: str) -> bool:
    """Whether one sees it standing alone: no control, no space, no mark that needs a letter."""
    return unicodedata.category(character)[0] not in "CMZ" and character not in _BLANK


def _secret() -> str:
    return MARK + secrets.token_urlsafe(32)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()

"""Creates, rotates, revokes and authenticates API tokens.

Token state lives only in its row (no cache), so every process refuses a revoked token at once.
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
from accounts.models import ApiToken, AuditAction, Scope, User
from accounts.services import audit
from common.addresses import canonical_network, is_among

MARK = "bgp_"
# The first 8 of the secret's 43 random characters are shown and stored; about 210 random bits stay secret.
PREFIX_LENGTH = len(MARK) + 8
_WELL_FORMED = re.compile(r"bgp_[A-Za-z0-9_-]{43}")
TOKENS_A_USER = 50
USE_NOTED_EVERY = timedelta(minutes=1)
# Blank letters and symbols: Hangul fillers, and Braille without dots.
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
    """Create a token. Returns it and its secret, which cannot be read again. allowed_addresses: addresses or
    networks.

    made_by: the token that requests it and receives the secret. Raises TokenChoiceError, which names the
    field, for invalid values, and TokenRefusedError where `made_by` was revoked meanwhile.
    """
    name = " ".join(name.split())
    if not any(map(_is_visible, name)):
        raise TokenChoiceError("name_missing", "Give the token a name, so that you recognise it.", "name")
    if len(name) > 64:
        raise TokenChoiceError("name_too_long", "A token's name has at most 64 letters.", "name")
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown:
        known = ", ".join(Scope.values)
        raise TokenChoiceError(
            "unknown_scope", f"There is no scope {unknown[0]!r}. The scopes are {known}.", "scopes"
        )
    if not scopes:
        raise TokenChoiceError("scope_missing", "Choose at least one thing that the token may do.", "scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise TokenChoiceError("expired_already", "Choose a date in the future.", "expires_at")
    networks = _networks(allowed_addresses)
    with transaction.atomic():
        # Also serializes the count below, so that two requests cannot both take the last free place.
        _lock_tokens(user.pk, made_by)
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
        audit.record(AuditAction.TOKEN_CREATED, subject=user, on=token, facts={"scopes": token.scopes})
    return token, secret


def rotate(token: ApiToken, by: ApiToken | None = None) -> str:
    """Replace a token's secret; the old one stops working at once.

    by: the token that requests it; None for a person. The tokens that this token created stay as they are.
    The requester becomes the parent, unless a token rotates itself. Raises TokenRefusedError where the token
    or `by` is revoked or expired; rotation does not revive a token.
    """
    secret = _secret()
    facts: dict[str, object] = {"prefix": secret[:PREFIX_LENGTH], "digest": _digest(secret)}
    if by is None or by.pk != token.pk:
        facts["made_by"] = by
    with transaction.atomic():
        _lock_tokens(token.user_id, by)
        rotated = (
            ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True)
            .filter(Q(expiry__isnull=True) | Q(expiry__gt=timezone.now()))
            .update(**facts)
        )
        if rotated:
            audit.record(AuditAction.TOKEN_ROTATED, subject=token.user_id, on=token)
    token.refresh_from_db()
    if not rotated:
        _check(token)
    return secret


def revoke(token: ApiToken) -> int:
    """Revoke a token with all its descendants, in every process at once. Returns how many were revoked.

    Returns 0 where it was revoked before. One UPDATE for each generation, bounded by TOKENS_A_USER.
    """
    now = timezone.now()
    with transaction.atomic():
        # A concurrent creation either finishes first and is revoked as well, or is refused.
        _lock_tokens(token.user_id)
        mine = ApiToken.objects.filter(user=token.user_id, revoked_at__isnull=True)
        ended, next_ones = 0, [token.pk]
        while next_ones and (count := mine.filter(pk__in=next_ones).update(revoked_at=now)):
            ended += count
            next_ones = list(mine.filter(made_by__in=next_ones).values_list("pk", flat=True))
        if ended:
            audit.record(AuditAction.TOKEN_REVOKED, subject=token.user_id, on=token, facts={"ended": ended})
    token.refresh_from_db()
    return ended


def revoke_all(user: User) -> int:
    """Revoke all tokens of a user. Returns how many were revoked."""
    with transaction.atomic():
        _lock_tokens(user.pk)
        ended = ApiToken.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=timezone.now())
        if ended:
            audit.record(AuditAction.TOKENS_REVOKED, subject=user, facts={"ended": ended})
        return ended


def authenticate(secret: str, address: str) -> ApiToken:
    """Returns the token of a secret used from this address ("" where unknown), with its user and plan.

    One query, plus at most one a minute that records the use. Raises TokenRefusedError.
    """
    found = _find(secret) if _WELL_FORMED.fullmatch(secret) else None
    if found is None:
        raise TokenRefusedError(
            "invalid_token",
            "This token is unknown. Check that it was copied completely, or create another.",
        )
    _check(found)
    if not found.user.is_active:
        raise TokenRefusedError(
            "account_closed", "The account of this token is closed. Ask an administrator of the site."
        )
    if found.user.is_suspended:
        suspended = TokenRefusedError(
            "account_suspended",
            "The account of this token is suspended. The e-mail about it says why, and how to answer.",
        )
        suspended.status = 403
        raise suspended
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
    # The database searches by the public prefix only; the digest is compared here in constant time.
    rows = list(ApiToken.objects.filter(prefix=secret[:PREFIX_LENGTH]).select_related("user__plan"))
    return next((row for row in rows if hmac.compare_digest(row.digest, digest)), None)


def _lock_tokens(user: int, caller: ApiToken | None = None) -> None:
    """Lock a user's tokens. Raises TokenRefusedError where the requesting token is no longer valid."""
    locks.hold_user(user)
    if caller is not None:
        _check(ApiToken.objects.get(pk=caller.pk))


def _check(token: ApiToken) -> None:
    if token.revoked_at is not None:
        raise TokenRefusedError("revoked_token", "This token was revoked. Create another.")
    if token.is_expired:
        raise TokenRefusedError("expired_token", "This token has expired. Create another.")


def _note_use(token: ApiToken, address: str) -> None:
    """Record time and address, at most once a minute even with concurrent requests."""
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


def _is_visible(character: str) -> bool:
    """Whether a character is visible by itself: no control, no space, no combining mark."""
    return unicodedata.category(character)[0] not in "CMZ" and character not in _BLANK


def _secret() -> str:
    return MARK + secrets.token_urlsafe(32)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()

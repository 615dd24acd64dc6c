"""Tokens of shares: derived, so that the owner can copy a link again and a copy of the database opens none.

A token is the HMAC of a random salt under SECRET_KEY. The row holds the salt, and the SHA-256 digest of the
token, by which a visitor's link is found. Links go on working after a change of SECRET_KEY, but can no longer
be shown: docs/decisions/0031.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final

from django.utils.crypto import salted_hmac

# 160 bits cannot be guessed, and 27 characters fit on one line.
TOKEN_BYTES: Final = 20
_PURPOSE: Final = "jobs.share_tokens"


def new_salt() -> str:
    """Returns a random salt for a new share."""
    return secrets.token_hex(32)


def derive(salt: str) -> str:
    """Returns the token of a salt: 27 characters of URL-safe Base64."""
    derived = salted_hmac(_PURPOSE, salt, algorithm="sha256").digest()[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(derived).decode().rstrip("=")


def digest_of(token: str) -> str:
    """Returns the digest under which a share is stored.

    The database compares digests only. An attacker cannot choose how a digest begins, so the time of a lookup
    says nothing about the tokens that exist.
    """
    return hashlib.sha256(token.encode()).hexdigest()

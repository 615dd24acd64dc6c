"""How passwords are hashed: Argon2id with a bound on memory (docs/decisions/0028)."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

# So many hashes are computed at once in one process; further ones wait. Each needs `memory_cost` and a core.
AT_ONCE: Final = 4

_slots = BoundedSemaphore(AT_ONCE)


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with the parameters that OWASP recommends: 19 MiB, two passes, one lane.

    Django's default takes 100 MiB and eight threads for each hash, so twenty people who sign in at once would
    take 2 GB. A hash with other parameters is replaced when its owner signs in.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Returns the hash of a password. Waits for a slot."""
        with _slots:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password has this hash. Waits for a slot."""
        with _slots:
            return super().verify(password, encoded)

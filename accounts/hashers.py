"""How passwords are hashed: Argon2id with a bound on memory (docs/decisions/0028)."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

# So many hashes are computed at once in one process; further ones wait. Each needs `memory_cost` and a core.
AT_ONCE: Final = 4

_pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")


def _new_pool() -> None:
    global _pool
    _pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")


# A forked process does not inherit the threads.
os.register_at_fork(after_in_child=_new_pool)


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with the parameters that OWASP recommends: 19 MiB, two passes, one lane.

    Django's default takes 100 MiB and eight threads for each hash, so twenty people who sign in at once would
    take 1.6 GiB. A hash with other parameters is replaced when its owner signs in.

    The hashes are computed in threads of their own. A limit alone would not do: the memory allocator keeps
    what each thread has freed, so every thread of the web would keep 19 MiB.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Returns the hash of a password. Waits for a free thread."""
        return _pool.submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password has this hash. Waits for a free thread."""
        return _pool.submit(super().verify, password, encoded).result()

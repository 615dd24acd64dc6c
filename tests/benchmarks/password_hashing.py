"""`python -m tests.benchmarks.password_hashing [ours|django]`: twenty people sign in at once.

Prints the time of one hash, that of twenty at once, and the peak memory of the process, for our hasher or
Django's own Argon2 defaults. Each run measures one of them, because a process's peak memory never falls.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import django

PEOPLE = 20


def main(which: str) -> None:
    """Measures one hasher."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bgplatform.settings")
    os.environ.setdefault("DEBUG", "true")
    django.setup()
    from django.contrib.auth.hashers import Argon2PasswordHasher

    from accounts.hashers import Argon2Hasher

    hasher = {"ours": Argon2Hasher, "django": Argon2PasswordHasher}[which]()
    before = _peak()
    started = time.perf_counter()
    encoded = hasher.encode("a pass phrase", "0123456789abcdef")
    one = time.perf_counter() - started
    started = time.perf_counter()
    with ThreadPoolExecutor(PEOPLE) as people:
        right = list(people.map(lambda _: hasher.verify("a pass phrase", encoded), range(PEOPLE)))
    together = time.perf_counter() - started
    if not all(right):
        sys.exit("a hash was wrong")
    sys.stdout.write(
        f"{which}: one hash {one * 1000:.0f} ms, {PEOPLE} at once {together:.2f} s, "
        f"peak memory {_peak():.0f} MiB ({before:.0f} before)\n"
    )


def _peak() -> float:
    """The peak memory of this process in MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ours")

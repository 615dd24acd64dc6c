"""Large changes in slices: each slice is a transaction of its own and writes a bounded number of rows.

SQLite has one writer at a time. A transaction that writes thousands of rows keeps every other writer waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.db import connection

# Pictures per transaction. Each may have several rows: an upload, a matte, renditions, files to delete.
PICTURES: Final = 100
# SQLite does not queue its writers: each one polls every 0.1 s at most. A longer pause lets each of them
# write; without it the next slice would nearly always come first.
PAUSE: Final = 0.11


def run(step: Callable[[], object]) -> None:
    """Calls `step`, one transaction, until it returns a false value. On SQLite it pauses after each call."""
    while step():
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            time.sleep(PAUSE)

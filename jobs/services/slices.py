"""Large changes in slices: each slice is a transaction of its own and writes a bounded number of rows.

SQLite has one writer at a time. A transaction that writes thousands of rows keeps every other writer waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.db import connection

# Pictures in one transaction. Each may have several rows: an upload, a matte, renditions, files to delete.
PICTURES: Final = 100
# SQLite does not queue its writers: each one tries again after up to 0.1 s. In a pause that is longer each of
# them gets its turn; without one the next slice would nearly always be faster.
PAUSE: Final = 0.11


def run(step: Callable[[], object]) -> None:
    """Call `step`, one transaction, until it returns something false. Pauses after each call on SQLite."""
    while step():
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            time.sleep(PAUSE)

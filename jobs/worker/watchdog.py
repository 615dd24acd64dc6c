"""The watchdog: a worker that hangs exits, so that its supervisor starts another.

Dramatiq's time limit is an exception that is raised at the next Python bytecode. A codec or kernel that loops
for ever never gets there. See docs/decisions/0011-a-watchdog-that-exits.md.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Final

logger = logging.getLogger(__name__)

EXIT_CODE: Final = 70  # EX_SOFTWARE of sysexits.h


class Watchdog:
    """Ends the process when its oldest task has run for more than `limit` seconds.

    longest: returns the seconds for which the oldest task has run. Code that hangs while it holds the GIL
    stops this thread, too. For that case each check resets faulthandler's timer, which runs in a C thread.
    """

    def __init__(self, longest: Callable[[], float], limit: float) -> None:
        self._longest = longest
        self._limit = limit
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread and the timer: the first task may hang before the first check."""
        self._reset_timer()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and the timer."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        every = min(5.0, self._limit / 10)
        while not self._stop.wait(every):
            self._reset_timer()
            if (seconds := self._longest()) > self._limit:
                self._end(seconds)
        faulthandler.cancel_dump_traceback_later()

    def _reset_timer(self) -> None:
        # File descriptor 2, as the standard error may be an object without one.
        faulthandler.dump_traceback_later(self._limit, exit=True, file=2)

    def _end(self, seconds: float) -> None:
        logger.critical("a task has run for %.0f s: this worker hangs and exits", seconds)
        sys.stderr.flush()
        faulthandler.dump_traceback(file=2, all_threads=True)
        os._exit(EXIT_CODE)

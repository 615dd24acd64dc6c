"""The watchdog: a worker that hangs ends itself, hard, so that its supervisor starts another.

Dramatiq's time limit is an exception that waits for the next Python bytecode; a codec or kernel that loops
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
    """Looks at `longest`, the seconds for which the oldest task of this process has run, and ends the process
    where they pass `limit` seconds.

    Code that hangs with the interpreter's lock in its hands also stops this thread; for that there is
    faulthandler's timer, a thread without Python in it, which is wound up again at every look.
    """

    def __init__(self, longest: Callable[[], float], limit: float) -> None:
        self._longest = longest
        self._limit = limit
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look. The timer runs from here on: the first task may hang before the first look."""
        self._wind_up()
        self._thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        every = min(5.0, self._limit / 10)
        while not self._stop.wait(every):
            self._wind_up()
            if (seconds := self._longest()) > self._limit:
                self._end(seconds)
        faulthandler.cancel_dump_traceback_later()

    def _wind_up(self) -> None:
        # File descriptor 2, as the standard error may be an object without one.
        faulthandler.dump_traceback_later(self._limit, exit=True, file=2)

    def _end(self, seconds: float) -> None:
        logger.critical("a picture has run for %.0f s: this worker hangs and ends itself", seconds)
        sys.stderr.flush()
        faulthandler.dump_traceback(file=2, all_threads=True)
        os._exit(EXIT_CODE)

"""A file whose modification time says that this process still works, for the health checks of containers.

A worker, the courier and the scheduler have no port to ask. They touch HEARTBEAT_FILE in their main loops.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

from django.conf import settings

logger = logging.getLogger(__name__)

# Loops that turn faster touch the file once in this time.
SECONDS: Final = 5.0

_last = -SECONDS


def beat() -> None:
    """Touches HEARTBEAT_FILE, if it is set. A file that cannot be written is logged and is no error."""
    global _last
    now = time.monotonic()
    if not settings.HEARTBEAT_FILE or now - _last < SECONDS:
        return
    _last = now
    try:
        Path(settings.HEARTBEAT_FILE).touch()
    except OSError as error:
        logger.warning("the heartbeat file cannot be written: %s", error)

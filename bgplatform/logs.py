"""What is worth a line in the log."""

from __future__ import annotations

import logging


def worth_a_line(record: logging.LogRecord) -> bool:
    """False for the 503 of /readyz: that is an answer to whoever asks again and again, not an error."""
    request = getattr(record, "request", None)
    return getattr(request, "path_info", "") != "/readyz" or getattr(record, "status_code", 0) != 503

"""Log filters."""

from __future__ import annotations

import logging


def not_a_failed_probe(record: logging.LogRecord) -> bool:
    """False for a 503 of /readyz: a probe's answer is not an error."""
    request = getattr(record, "request", None)
    return getattr(request, "path_info", "") != "/readyz" or getattr(record, "status_code", 0) != 503

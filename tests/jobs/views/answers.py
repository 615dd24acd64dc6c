"""Reads streaming responses."""

from __future__ import annotations

import warnings
from typing import Any


def body_of(response: Any) -> bytes:
    """The whole body. The test client is synchronous; Django's warning about reading it whole is expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Warning)
        return b"".join(response)

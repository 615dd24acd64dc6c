"""Reading answers that stream."""

from __future__ import annotations

import warnings
from typing import Any


def body_of(response: Any) -> bytes:
    """The whole body. The test client is synchronous, and Django warns that this reads it whole: it does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Warning)
        return b"".join(response)

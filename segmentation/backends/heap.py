"""Returns free heap memory of the C library to the system."""

from __future__ import annotations

import ctypes
import sys


def release_free_memory() -> None:
    """Returns free heap memory to the system: compiling reads and repacks a network's weights, and the
    process would otherwise keep that memory for its lifetime. No effect with a C library other than glibc.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)

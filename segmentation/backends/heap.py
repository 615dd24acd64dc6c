"""What the C library keeps of memory that was freed."""

from __future__ import annotations

import ctypes
import sys


def give_back_memory() -> None:
    """Give what is free to the system: a network's weights are read and repacked while it is compiled, and
    that would stay with a process for its life. No effect with another C library than glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)

"""Detects what this processor computes exactly."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Final

# Instructions that accumulate products of bytes in 32 bits.
_EXACT: Final = frozenset(("avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8"))


@cache
def has_exact_int8() -> bool:
    """Whether int8 convolutions cannot overflow on this processor.

    On x86 without VNNI, oneDNN multiplies unsigned by signed bytes with VPMADDUBSW, which adds two products
    in 16 bits and saturates: 255 · 127 + 255 · 127 becomes 32,767. The maps are then visibly wrong. Other
    architectures have no such instruction. If nothing is known (no /proc/cpuinfo) the answer is no.
    """
    if platform.machine().lower() not in {"x86_64", "amd64", "i686", "x86"}:
        return True
    return not _EXACT.isdisjoint(_flags())


def _flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text("ascii", errors="replace")
    except OSError:
        return set()
    return set(next((line for line in text.splitlines() if line.startswith("flags")), "").split())

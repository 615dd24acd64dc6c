"""The worker's own module with one thing on top: pictures that say so in a comment kill it or make it hang.

`python -m dramatiq tests.faults.fragile`: everything else is bgplatform.worker. No file is known that kills a
real worker; if one were, it would be mended and not kept for a test.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Any

from bgplatform.worker import broker
from segmentation.pipeline import Pipeline
from tests.faults.marks import HANGS, HANGS_LOCKED, KILLS

__all__ = ["broker"]

FOR_EVER = 1_000_000

_segment = Pipeline.segment


def segment(self: Pipeline, source: Any, *arguments: Any, **named: Any) -> Any:
    """Pipeline.segment, but for the marked pictures."""
    content = source.read()
    source.seek(0)
    if KILLS in content:
        os.kill(os.getpid(), signal.SIGKILL)
    if HANGS in content:
        ctypes.CDLL(None).sleep(FOR_EVER)
    if HANGS_LOCKED in content:
        ctypes.PyDLL(None).sleep(FOR_EVER)
    return _segment(self, source, *arguments, **named)


Pipeline.segment = segment  # type: ignore[method-assign]

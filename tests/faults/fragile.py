"""A worker on which marked pictures crash or hang: the mark is a comment in the picture.

`python -m dramatiq tests.faults.fragile`: everything else is bgplatform.worker. No known file crashes the
real worker; if one did, we would fix that instead of keeping the file for a test.
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
    """Pipeline.segment, except for marked pictures."""
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

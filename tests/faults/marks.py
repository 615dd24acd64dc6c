"""Comments in pictures that tell the fragile worker what to do."""

from __future__ import annotations

from typing import Final

KILLS: Final = b"kills the worker"
HANGS: Final = b"hangs in native code"
HANGS_LOCKED: Final = b"hangs and holds the lock"

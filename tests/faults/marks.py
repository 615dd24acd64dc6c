"""Comments in pictures by which the fragile worker knows what to do with them."""

from __future__ import annotations

from typing import Final

KILLS: Final = b"kills the worker"
HANGS: Final = b"hangs in native code"
HANGS_LOCKED: Final = b"hangs and holds the lock"

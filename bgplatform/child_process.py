"""Middleware for every process that Dramatiq forks."""

from __future__ import annotations

import ctypes
import signal
import sys

import dramatiq
from dramatiq.middleware import Middleware


class ExitWithMaster(Middleware):
    """Ends a child process with its master; otherwise it would keep consuming messages unsupervised."""

    def after_process_boot(self, broker: dramatiq.Broker) -> None:
        """Ask the kernel for SIGTERM when the master ends."""
        if sys.platform == "linux":
            pr_set_pdeathsig = 1
            ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)

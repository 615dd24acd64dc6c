"""What holds for every process that Dramatiq forks."""

from __future__ import annotations

import ctypes
import signal
import sys

import dramatiq
from dramatiq.middleware import Middleware


class ExitWithMaster(Middleware):
    """A child whose master was killed would go on taking messages, unsupervised."""

    def after_process_boot(self, broker: dramatiq.Broker) -> None:
        """Ask the kernel for a SIGTERM when the master ends."""
        if sys.platform == "linux":
            pr_set_pdeathsig = 1
            ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)

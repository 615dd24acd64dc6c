"""Which process lives on which: parent-death signals, orphans that are adopted, what descends from a process.

Linux has all three; elsewhere the functions do less, say so by what they return, and process groups remain.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

# Loaded at import: between fork and exec nothing may be imported or allocated by a loader.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> bool:
    return _LIBC is not None and _LIBC.prctl(option, value, 0, 0, 0) == 0


def die_with_parent() -> bool:
    """Have the kernel send SIGTERM to this process when its parent ends, however that ends (prctl(2)).

    SIGTERM and not SIGKILL, so that a Dramatiq master still takes its forked children with it. Returns
    whether the platform can do that. It survives exec, but not a further fork.
    """
    parent = os.getppid()
    done = _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if done and os.getppid() != parent:  # it ended between the two calls
        os.kill(os.getpid(), signal.SIGTERM)
    return done


def adopt_orphans() -> bool:
    """Make this process the parent of each descendant whose own parent ends; whether that is possible."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1)


def parents() -> dict[int, int]:
    """Parent of each process that /proc shows, by process id; empty where there is no /proc."""
    found: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        if fields[0] != "Z":
            found[int(stat.parent.name)] = int(fields[1])
    return found


def descendants(root: int) -> list[int]:
    """Process ids of every living descendant of `root`, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    order: list[int] = []
    waiting = [root]
    while waiting:
        for pid in children.get(waiting.pop(0), []):
            order.append(pid)
            waiting.append(pid)
    return order


def kill(pid: int, signum: int) -> bool:
    """Send `signum` to one process; False where it is gone already."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True


def kill_group(group: int, signum: int) -> bool:
    """Send `signum` to a process group; False where nobody is left in it."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs (a zombie counts where there is no /proc)."""
    known = parents()
    return pid in known if known else kill(pid, 0)

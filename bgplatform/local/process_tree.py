"""Process trees: parent-death signals, adopting orphans, listing descendants.

All three need Linux. Elsewhere the functions do less and report that; process groups still work.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

# Loaded at import: between fork and exec the loader must not import or allocate anything.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> bool:
    return _LIBC is not None and _LIBC.prctl(option, value, 0, 0, 0) == 0


def die_with_parent() -> bool:
    """Have the kernel send SIGTERM to this process when its parent ends for any reason (prctl(2)).

    It is SIGTERM, not SIGKILL, so that a Dramatiq master still ends its forked children. Returns whether the
    platform supports this. The setting survives exec, but not another fork.
    """
    parent = os.getppid()
    done = _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if done and os.getppid() != parent:  # the parent ended between the two calls
        os.kill(os.getpid(), signal.SIGTERM)
    return done


def adopt_orphans() -> bool:
    """Make this process the parent of orphaned descendants (subreaper). Returns whether that is supported."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1)


def parents() -> dict[int, int]:
    """Returns each process's parent from /proc, by process id; empty where there is no /proc."""
    found: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # the process ended meanwhile
            continue
        if fields[0] != "Z":
            found[int(stat.parent.name)] = int(fields[1])
    return found


def descendants(root: int) -> list[int]:
    """Returns the process ids of all living descendants of `root`, parents before their children."""
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
    """Send `signum` to one process. Returns False where it no longer exists."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True


def kill_group(group: int, signum: int) -> bool:
    """Send `signum` to a process group. Returns False where the group is empty."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process with that id runs (zombies count where there is no /proc)."""
    known = parents()
    return pid in known if known else kill(pid, 0)

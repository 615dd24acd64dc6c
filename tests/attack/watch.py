"""Measures a running copy under attack: memory, the slowest /healthz, connections, files."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.attack.wire import ask
from tests.stack import Stack

MIB = 2**20
ASK_SECONDS = 0.1


def memory(pid: int, name: str) -> int:
    """Returns VmRSS or VmHWM of a process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def descriptors(pid: int) -> list[str]:
    """Returns the open files of a process."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(entry))
        except OSError:
            continue
    return found


def nameless(pid: int) -> int:
    """Returns the bytes of a process's unlinked files: request bodies in progress."""
    total = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(entry).endswith("(deleted)"):
                total += entry.stat().st_size
        except OSError:
            continue
    return total


@dataclass
class Watch:
    """Observes a copy within a block."""

    stack: Stack
    slowest: float = 0.0
    # During the slowest answer: how long the web or the prober waited for a CPU.
    starved: float = 0.0
    # /healthz requests without an answer or with another status than 200.
    unanswered: int = 0
    refused: int = 0
    connections: int = 0
    files: int = 0
    grown: dict[str, int] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._pids = {"web": web_of(self.stack), "worker": self.stack.worker()}
        self._before = {}
        for name, pid in self._pids.items():
            # Resets the kernel's peak memory counter.
            Path(f"/proc/{pid}/clear_refs").write_text("5")
            self._before[name] = memory(pid, "VmRSS")
        self._thread = threading.Thread(target=self._count)
        self._thread.start()
        # A separate process, because this one is busy attacking.
        self._asker = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.watch", self.stack.address, str(self._pids["web"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        said, _ = self._asker.communicate("over", timeout=600)
        slowest, starved, unanswered, refused = said.split()
        self.slowest, self.starved = float(slowest), float(starved)
        self.unanswered, self.refused = int(unanswered), int(refused)
        for name, pid in self._pids.items():
            try:
                self.grown[name] = max(0, memory(pid, "VmHWM") - self._before[name])
            except OSError:
                self.grown[name] = -1  # the process died

    def _count(self) -> None:
        pid = self._pids["web"]
        while not self._over.wait(0.2):
            try:
                open_ones = sum(name.startswith("socket:") for name in descriptors(pid))
                self.connections = max(self.connections, open_ones)
                self.files = max(self.files, nameless(pid))
            except OSError:
                return

    @property
    def died(self) -> bool:
        """Whether a process has died."""
        return any(grown < 0 for grown in self.grown.values())


def web_of(stack: Stack) -> int:
    """Returns the web process's id."""
    supervisors = stack.processes("supervise")
    return next(pid for pid in stack.processes("-m uvicorn") if pid not in supervisors)


def starved_seconds(pid: int) -> float:
    """Returns how long the main thread of a process has waited for a CPU since it began; 0 where the process
    is gone or the kernel does not count that.
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def main() -> None:
    """Request /healthz until input arrives; print the slowest answer and the number of failures.

    The second number is the CPU wait time of the web or of this process during the slowest answer.
    """
    address, web = sys.argv[1], int(sys.argv[2])
    slowest, unanswered, refused = (0.0, 0.0), 0, 0
    while not select.select([sys.stdin], [], [], ASK_SECONDS)[0]:
        began, before = time.monotonic(), starved_seconds(web) + starved_seconds(os.getpid())
        try:
            status = ask(address, "GET", "/healthz").status
        except OSError:
            status = 0
        unanswered += status == 0
        refused += status not in {0, 200}
        took = time.monotonic() - began
        starved = max(0.0, starved_seconds(web) + starved_seconds(os.getpid()) - before)
        slowest = max(slowest, (took, min(took, starved)))
    print(*slowest, unanswered, refused)  # noqa: T201


if __name__ == "__main__":
    main()

"""The storm: which part is hit when, by a seed."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bgplatform.local import process_tree
from tests.faults.gateway import Mode
from tests.faults.parts import Platform


@dataclass(frozen=True)
class Program:
    """Seconds between hits (from, to), how long the store is away, and the minimum number of hits."""

    worker_gap: tuple[float, float] = (10.0, 25.0)
    valkey_gap: tuple[float, float] = (15.0, 40.0)
    postgres_gap: tuple[float, float] = (20.0, 45.0)
    store_seconds: float = 20.0
    store_after: float = 15.0
    least: int = 3
    # Pictures that crash their worker; the number of pictures in a batch.
    fatal: list[str] = field(default_factory=lambda: ["killer"])
    batch: int = 20


SHORT = Program(
    (6.0, 12.0), (5.0, 12.0), (6.0, 14.0), store_seconds=4.0, store_after=5.0, least=1, fatal=[], batch=3
)


class Weather:
    """Threads that each hit one kind of part, until `calm()`."""

    def __init__(self, platform: Platform, program: Program, workers: list[str], seed: int) -> None:
        self._platform, self._program, self._workers = platform, program, workers
        self._calm = threading.Event()
        self._count = threading.Lock()
        self.hits: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        acts: list[tuple[Callable[[random.Random], None], tuple[float, float]]] = [
            (self._worker, program.worker_gap),
            (self._valkey, program.valkey_gap),
            (self._postgres, program.postgres_gap),
        ]
        self._threads = [
            threading.Thread(
                target=self._again_and_again, args=(act, gap, random.Random(seed + n)), daemon=True
            )
            for n, (act, gap) in enumerate(acts)
        ]
        self._threads.append(threading.Thread(target=self._guarded, args=(self._store,), daemon=True))

    def begin(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def raged(self) -> bool:
        """Whether every kind of part was hit often enough."""
        kinds = ("worker killed", "valkey killed", "postgres killed")
        store = self.hits["store stopped"] and self.hits["store refused writes"]
        return bool(self.errors) or (bool(store) and all(self.hits[k] >= self._program.least for k in kinds))

    def calm(self) -> None:
        """Stop, with everything running again."""
        self._calm.set()
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:
            self.errors.append(error)
            raise

    def _again_and_again(
        self, act: Callable[[random.Random], None], gap: tuple[float, float], chance: random.Random
    ) -> None:
        def rage() -> None:
            while not self._calm.wait(chance.uniform(*gap)):
                act(chance)

        self._guarded(rage)

    def _hit(self, what: str) -> None:
        with self._count:
            self.hits[what] += 1
        sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {what}\n")
        sys.stdout.flush()

    def _worker(self, chance: random.Random) -> None:
        """SIGKILL a worker's child, or sometimes its master."""
        pids = self._platform.processes(chance.choice(self._workers))
        if len(pids) < 2:  # just being restarted
            return
        if process_tree.kill(pids[0] if chance.random() < 0.2 else pids[1], signal.SIGKILL):
            self._hit("worker killed")

    def _valkey(self, chance: random.Random) -> None:
        self._platform.valkey.kill()
        self._hit("valkey killed")
        time.sleep(chance.uniform(0.2, 3))
        self._platform.valkey.start()

    def _postgres(self, chance: random.Random) -> None:
        self._platform.postgres.stop(at_once=True)
        self._hit("postgres killed")
        time.sleep(chance.uniform(0.2, 3))
        self._platform.postgres.start()

    def _store(self) -> None:
        store, gateway = self._platform.store, self._platform.gateway
        assert store is not None
        assert gateway is not None
        time.sleep(self._program.store_after)
        store.stop()
        gateway.switch(Mode.OPEN)
        self._hit("store stopped")
        time.sleep(self._program.store_seconds)
        store.start()
        self._hit("store started")
        time.sleep(self._program.store_after)
        gateway.switch(Mode.READ_ONLY)
        self._hit("store refused writes")
        time.sleep(self._program.store_seconds)
        gateway.switch(Mode.OPEN)
        self._hit("store takes writes")


def stop_here() -> None:
    """End the storm on SIGTERM as on Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))

"""What every engine offers, and the names that are asked for."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import EngineError

PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")
ENGINES = ("auto", "torch", "openvino")


class OutOfMemoryError(EngineError):
    """The device has no room for a batch of this size; a smaller one may pass."""

    def __init__(self, size: int, device: str) -> None:
        super().__init__("out_of_memory", f"A batch of {size} does not fit into the memory of {device}.")
        self.size, self.device = size, device

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.size, self.device))


class Backend(Protocol):
    """One network on one device in one precision. Not thread-safe: one thread owns it at a time."""

    engine: str
    device: str
    precision: str
    batch: int
    """How many pictures together take the least time each."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """N×3×320×320 normalised pictures -> N×320×320 raw maps in 0..1. Raises OutOfMemoryError."""
        ...


@runtime_checkable
class ConcurrentBackend(Protocol):
    """What a backend offers, too, where several threads may run it at once, each on a part of the cores."""

    def load(self) -> None:
        """Load all that may be wanted later: networks for one picture, for several, for a second look."""
        ...

    def run_concurrently(self, entry: NDArray[np.float32]) -> NDArray[np.float32]:
        """3×320×320 -> 320×320, as `run`. From any thread; waits while as many run as there are parts."""
        ...


def unknown(what: str, value: str, choices: tuple[str, ...]) -> EngineError:
    """The error for a word that is none of the choices."""
    return EngineError(
        f"unknown_{what}", f"There is no {what} {value!r}: choose one of {', '.join(choices)}."
    )

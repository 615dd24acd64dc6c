"""The interface of every backend, and the names of engines and precisions."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import EngineError

PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")
ENGINES = ("auto", "torch", "openvino")


class OutOfMemoryError(EngineError):
    """The device has no memory for a batch of this size; a smaller one may fit."""

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
    """The batch size with the least time per picture."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """N×3×320×320 normalised pictures -> N×320×320 raw maps in 0..1. Raises OutOfMemoryError."""
        ...


@runtime_checkable
class ConcurrentBackend(Protocol):
    """Extra interface of a backend that several threads may run at once, each on a share of the cores."""

    def load(self) -> None:
        """Loads everything that may be needed later: the networks for one picture, for several, and for the
        float32 re-run.
        """
        ...

    def run_concurrently(self, entry: NDArray[np.float32]) -> NDArray[np.float32]:
        """3×320×320 -> 320×320, as `run`. Thread-safe; blocks while all shares of the cores are in use."""
        ...


def unknown_option(what: str, value: str, choices: tuple[str, ...]) -> EngineError:
    """Returns the error for an unknown option value."""
    return EngineError(
        f"unknown_{what}", f"There is no {what} {value!r}: choose one of {', '.join(choices)}."
    )

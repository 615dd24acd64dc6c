"""The engine's errors: each has a stable code for programs and a sentence for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class SegmentationError(Exception):
    """Base of every error that the engine raises on purpose.

    `code` is stable and meant for programs. `sentence` tells a person what is wrong and what to do.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return f"{self.sentence} ({self.code})"

    def __reduce__(self) -> tuple[object, ...]:
        """Supports pickling: the default would call the class with the message alone."""
        return (type(self), (self.code, self.sentence))


class PictureError(SegmentationError):
    """A file that is not an accepted picture: wrong format, damaged, too large."""


class RecipeError(SegmentationError):
    """A recipe with an unknown or impossible value; `field` names it."""

    def __init__(self, code: str, sentence: str, field: str) -> None:
        super().__init__(code, sentence)
        self.field = field

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.code, self.sentence, self.field))


class WeightsError(SegmentationError):
    """Weights that are unknown, cannot be downloaded or fail their checksum."""


class EngineError(SegmentationError):
    """A requested device or precision that is not available, or a model that failed to run."""


@contextmanager
def engine_at_fault() -> Iterator[None]:
    """Turns an OSError of the engine into EngineError `engine_failed`.

    Outside the engine an OSError means that a picture cannot be read or a result cannot be written.
    """
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        sentence = (
            f"The engine failed, not the picture: {error.strerror or error}{where}. "
            "Check the cache folder and the installation."
        )
        raise EngineError("engine_failed", sentence) from error

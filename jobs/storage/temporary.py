"""Faults of the temporary folder, where large request bodies are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.storage.store import StoreFullError


@contextmanager
def temporary_files() -> Iterator[None]:
    """Raises StoreFullError for OSErrors of temporary files in this block."""
    try:
        yield
    except ConnectionError:
        raise
    except OSError as error:
        raise StoreFullError(f"the temporary folder takes no files: {error}") from error

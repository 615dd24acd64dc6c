"""The engine of a worker process: one pipeline per model, loaded once. Web processes never import it."""

from __future__ import annotations

import threading

from django.conf import settings

from jobs.services.uploads import limits
from segmentation.pipeline import Pipeline

_pipelines: dict[str, Pipeline] = {}
_lock = threading.Lock()


def pipeline(model: str) -> Pipeline:
    """Returns the pipeline of a model, loaded at its first use."""
    with _lock:
        if model not in _pipelines:
            _pipelines[model] = Pipeline(
                model=model, device=settings.DEVICE, precision=settings.PRECISION, limits=limits()
            )
        return _pipelines[model]


def warm() -> str:
    """Load and warm up the default model, for one picture and for batches. Returns what it runs on.

    Batches are warmed up at the start so that no task spends its time limit on it, and so that the worker's
    memory is known from the start.
    """
    ready = pipeline(settings.MODEL)
    ready.warm()
    ready.warm_batch()
    return ready.description

"""The engine in a worker process: one pipeline for each model, loaded once. Never imported by the web."""

from __future__ import annotations

import threading

from django.conf import settings

from jobs.services.uploads import limits
from segmentation.pipeline import Pipeline

_pipelines: dict[str, Pipeline] = {}
_lock = threading.Lock()


def pipeline(model: str) -> Pipeline:
    """The pipeline of a model, loaded at its first use and kept."""
    with _lock:
        if model not in _pipelines:
            _pipelines[model] = Pipeline(
                model=model, device=settings.DEVICE, precision=settings.PRECISION, limits=limits()
            )
        return _pipelines[model]


def warm() -> str:
    """Load and warm the default model, for one picture and for several; what it runs on, in a line.

    Several now, and not when they come: a task's time is for its picture, and a worker's memory is known
    from its start on.
    """
    ready = pipeline(settings.MODEL)
    ready.warm()
    ready.warm_batch()
    return ready.description

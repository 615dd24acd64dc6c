"""The worker's own module with a network of a fixed speed: `python -m dramatiq tests.benchmarks.fixed_speed`.

Everything else is bgplatform.worker: claims, files, rows, messages. So measurements of queueing do not depend
on the machine's speed.
"""

from __future__ import annotations

import os
import time

import numpy as np

from bgplatform.worker import broker
from jobs.services.uploads import limits
from jobs.worker import engine
from segmentation.concurrency import ActiveThreads
from segmentation.pictures import decode
from segmentation.pipeline import Pipeline, Segmented
from segmentation.recipe import Recipe

__all__ = ["broker"]

SECONDS = float(os.environ.get("FIXED_SECONDS", "0.1"))


class FixedSpeed(Pipeline):
    """Takes SECONDS for each picture and returns a full matte."""

    def __init__(self) -> None:
        self.limits = limits()
        self._active = ActiveThreads()

    @property
    def description(self) -> str:
        """Describes the engine."""
        return f"no network, {SECONDS:g} s a picture"

    def segment(self, source: object, recipe: Recipe) -> Segmented:
        """See Pipeline."""
        picture = decode(source, self.limits)  # type: ignore[arg-type]
        time.sleep(SECONDS)
        return Segmented(picture, np.full(picture.rgb.shape[:2], 255, np.uint8), 1.0, ())


_pipeline = FixedSpeed()
engine.pipeline = lambda model: _pipeline
engine.warm = lambda: _pipeline.description

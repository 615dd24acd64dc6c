"""Dramatiq actors: thin, idempotent, with an id as their only argument. Importing them does not import torch.

jobs/services/lines.py and the queue enqueue them by name.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import dramatiq
from django.conf import settings

# Raised in the task's thread at its next bytecode. The watchdog handles tasks that hang in native code.
TIME_LIMIT_MS: Final = settings.TASK_SECONDS * 1000


def _segment(picture_id: str) -> None:
    from jobs.worker import processing  # imports the engine and torch: only in a worker

    processing.process(UUID(picture_id))


@dramatiq.actor(queue_name="interactive", priority=0, time_limit=TIME_LIMIT_MS)
def segment_interactive(picture_id: str) -> None:
    """Segments and renders a picture of an interactive request."""
    _segment(picture_id)


@dramatiq.actor(queue_name="batch", priority=10, time_limit=TIME_LIMIT_MS)
def segment_batch(picture_id: str) -> None:
    """Segments and renders a picture of a batch."""
    _segment(picture_id)


@dramatiq.actor(queue_name="interactive", priority=5, time_limit=TIME_LIMIT_MS)
def render(rendition_request_id: str) -> None:
    """Fulfils a rendition request."""
    from jobs.worker import rendering  # imports the engine, as above

    rendering.fulfil(UUID(rendition_request_id))


@dramatiq.actor(queue_name="interactive", priority=1, time_limit=TIME_LIMIT_MS)
def make_thumbnails(thumbnail_request_id: str) -> None:
    """Fulfils a thumbnail request."""
    from jobs.worker import thumbnails  # imports the engine, as above

    thumbnails.make(UUID(thumbnail_request_id))

"""The actors: thin, idempotent, called with nothing but an id. Importing them imports no torch.

jobs/services/lines.py and the queue call them by name.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import dramatiq
from django.conf import settings

# Raised into the task at its next bytecode; the watchdog takes what hangs without one.
TIME_LIMIT_MS: Final = settings.TASK_SECONDS * 1000


def _segment(picture_id: str) -> None:
    from jobs.worker import processing  # brings the engine and with it torch: only in a worker

    processing.process(UUID(picture_id))


@dramatiq.actor(queue_name="interactive", priority=0, time_limit=TIME_LIMIT_MS)
def segment_interactive(picture_id: str) -> None:
    """Segment and render a picture that somebody waits for."""
    _segment(picture_id)


@dramatiq.actor(queue_name="batch", priority=10, time_limit=TIME_LIMIT_MS)
def segment_batch(picture_id: str) -> None:
    """Segment and render a picture of a batch."""
    _segment(picture_id)


@dramatiq.actor(queue_name="interactive", priority=5, time_limit=TIME_LIMIT_MS)
def render(rendition_request_id: str) -> None:
    """Fulfil a rendition request."""
    from jobs.worker import rendering  # brings the engine, as above

    rendering.fulfil(UUID(rendition_request_id))


@dramatiq.actor(queue_name="interactive", priority=1, time_limit=TIME_LIMIT_MS)
def make_thumbnails(thumbnail_request_id: str) -> None:
    """Fulfil a thumbnail request."""
    from jobs.worker import thumbnails  # brings the engine, as above

    thumbnails.make(UUID(thumbnail_request_id))

"""The three lines: pictures, rendition requests and thumbnail requests. Actors are named, not imported."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q

from jobs.models import Picture, RenditionRequest, ThumbnailRequest
from jobs.models.job import Lane
from jobs.queue.line import Line
from jobs.queue.messages import Route
from jobs.services.line_rules import PictureRules, RenditionRules, ThumbnailRules

PICTURES: Final = Line(
    Picture,
    [Route(lane.value, f"segment_{lane.value}", Q(lane=lane)) for lane in Lane],
    PictureRules(),
    order=("queued_at", "position"),
    related=("job",),
)
RENDITIONS: Final = Line(
    RenditionRequest,
    [Route(Lane.INTERACTIVE.value, "render")],
    RenditionRules(),
    related=("picture__job", "matte", "user"),
)
THUMBNAILS: Final = Line(
    ThumbnailRequest,
    [Route(Lane.INTERACTIVE.value, "make_thumbnails")],
    ThumbnailRules(),
    related=("picture",),
)
ALL: Final[tuple[Line[Any], ...]] = (PICTURES, RENDITIONS, THUMBNAILS)

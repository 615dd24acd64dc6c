"""The files of open rendition requests."""

from __future__ import annotations

from django.db.models import QuerySet

from jobs import storage
from jobs.models import Picture, RenditionRequest
from segmentation.recipe import Recipe


def keys_of(pictures: QuerySet[Picture]) -> list[str]:
    """Returns the keys that workers may have written for open rendition requests of these pictures."""
    rows = RenditionRequest.objects.filter(picture__in=pictures).select_related("matte")
    return [key for rendition_request in rows for key in keys_of_attempt(rendition_request)]


def keys_of_attempt(rendition_request: RenditionRequest) -> list[str]:
    """Returns the keys that an attempt at a rendition request writes, and that of its uploaded matte."""
    recipe = Recipe.stored(rendition_request.recipe)
    revision = revision_of(rendition_request)
    own = [
        storage.incoming_key(rendition_request.pk),
        storage.matte_key(rendition_request.picture_id, revision),
    ]
    return [
        *([] if rendition_request.revision is None else own),
        storage.rendition_key(rendition_request.picture_id, revision, recipe.digest, recipe.extension),
        storage.preview_key(rendition_request.picture_id, revision, recipe.digest),
    ]


def revision_of(rendition_request: RenditionRequest) -> int:
    """The matte revision that a rendition request refers to."""
    if rendition_request.matte is not None:
        return rendition_request.matte.revision
    return rendition_request.revision or 0

"""Pictures, mattes and renditions over the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.fields import StoredRecipeField
from jobs.api.serializers.common import Address, ErrorSerializer, Shape
from jobs.models import Matte, Picture


class RenditionSerializer(Shape):
    """One result file."""

    id = serializers.UUIDField()
    picture = serializers.UUIDField(source="picture_id")
    matte = serializers.UUIDField(source="matte_id")
    media_type = serializers.CharField()
    extension = serializers.CharField()
    size = serializers.IntegerField(help_text="In bytes.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    recipe = StoredRecipeField()
    created_at = serializers.DateTimeField()
    url = Address("rendition")
    file_url = Address("rendition-file")


class PictureSerializer(Shape):
    """One image of a job."""

    id = serializers.UUIDField()
    job = serializers.UUIDField(source="job_id")
    position = serializers.IntegerField()
    name = serializers.CharField()
    folder = serializers.CharField()
    state = serializers.ChoiceField(choices=Picture.State.values)
    error = serializers.SerializerMethodField()
    format = serializers.CharField(help_text="Of the source; empty where it is not known.")
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    source_size = serializers.IntegerField(allow_null=True, help_text="In bytes.")
    confidence = serializers.FloatField(allow_null=True, help_text="0 to 1: how sure the model was.")
    warnings = serializers.ListField(child=serializers.CharField())
    reused = serializers.BooleanField(help_text="Made from an earlier matte of the same bytes.")
    queued_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    rendition = RenditionSerializer(allow_null=True, help_text="The newest result.")
    url = Address("picture")
    result_url = Address("picture-result", when="rendition", allow_null=True)
    preview_url = Address("picture-preview", when="rendition", allow_null=True)
    thumb_url = Address("picture-thumb", when="thumb_key", allow_null=True)
    source_url = Address("picture-source", when="source_key", allow_null=True)

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, picture: Picture) -> dict[str, Any] | None:
        """Why it failed."""
        if not picture.error_code:
            return None
        return {"code": picture.error_code, "sentence": picture.error_sentence}


class MatteSerializer(Shape):
    """An 8-bit alpha of the source's size."""

    id = serializers.UUIDField()
    picture = serializers.UUIDField(source="picture_id")
    revision = serializers.IntegerField(help_text="1 comes from the model, later ones from people.")
    origin = serializers.ChoiceField(choices=Matte.Origin.choices)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    confidence = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    file_url = Address("matte-file")

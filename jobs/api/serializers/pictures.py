"""Serializers of pictures, mattes and renditions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.fields import StoredRecipeField
from jobs.api.serializers.common import ErrorSerializer, ResponseSerializer, UrlField
from jobs.models import Matte, Picture


class RenditionSerializer(ResponseSerializer):
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
    url = UrlField("rendition")
    file_url = UrlField("rendition-file")


class PictureSerializer(ResponseSerializer):
    """One image of a job."""

    id = serializers.UUIDField()
    job = serializers.UUIDField(source="job_id")
    position = serializers.IntegerField()
    name = serializers.CharField()
    folder = serializers.CharField()
    state = serializers.ChoiceField(choices=Picture.State.values)
    error = serializers.SerializerMethodField()
    format = serializers.CharField(help_text="The source's format; empty if unknown.")
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    source_size = serializers.IntegerField(allow_null=True, help_text="In bytes.")
    confidence = serializers.FloatField(allow_null=True, help_text="The model's confidence, 0 to 1.")
    warnings = serializers.ListField(child=serializers.CharField())
    reused = serializers.BooleanField(help_text="Made from an earlier matte of the same bytes.")
    queued_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    hidden_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When a moderator hid it; its files are refused. Its job may be hidden instead.",
    )
    rendition = RenditionSerializer(allow_null=True, help_text="The newest result.")
    url = UrlField("picture")
    result_url = UrlField("picture-result", when="rendition", allow_null=True)
    preview_url = UrlField("picture-preview", when="rendition", allow_null=True)
    thumb_url = UrlField("picture-thumb", when="thumb_key", allow_null=True)
    source_url = UrlField("picture-source", when="source_key", allow_null=True)

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, picture: Picture) -> dict[str, Any] | None:
        """Why it failed."""
        if not picture.error_code:
            return None
        return {"code": picture.error_code, "sentence": picture.error_sentence}


class MatteSerializer(ResponseSerializer):
    """An 8-bit alpha matte of the source's size."""

    id = serializers.UUIDField()
    picture = serializers.UUIDField(source="picture_id")
    revision = serializers.IntegerField(
        help_text="Revision 1 is the model's; long_poll ones are corrections by people."
    )
    origin = serializers.ChoiceField(choices=Matte.Origin.choices)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    confidence = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    file_url = UrlField("matte-file")

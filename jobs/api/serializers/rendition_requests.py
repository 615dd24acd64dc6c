"""Serializers of rendition requests and corrected mattes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.fields import (
    NonEmptyFileField,
    RecipeField,
    StoredRecipeField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)
from jobs.api.serializers.common import ErrorSerializer, ResponseSerializer, UrlField
from jobs.models import Preset, Rendition, RenditionRequest


class NewRendition(StrictSerializer):
    """A recipe for a finished matte."""

    recipe = RecipeField(required=False, help_text="Overrides the preset's fields, if a preset is given.")
    preset = StrictCharField(required=False, max_length=Preset.MAX_LENGTH)
    revision = StrictIntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="The matte's revision; default: the newest.",
    )


class MatteFile(ResponseSerializer):
    """A corrected matte."""

    file = NonEmptyFileField(
        help_text="A PNG of the source's size. Its alpha channel is used, or its grey values if it has none."
    )


class RenditionStatus(ResponseSerializer):
    """A rendition, finished or in progress."""

    id = serializers.UUIDField()
    picture = serializers.UUIDField(source="picture_id")
    matte = serializers.UUIDField(source="matte_id", allow_null=True)
    revision = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    recipe = StoredRecipeField()
    media_type = serializers.SerializerMethodField()
    extension = serializers.SerializerMethodField()
    size = serializers.SerializerMethodField()
    width = serializers.SerializerMethodField()
    height = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    url = UrlField("rendition")
    file_url = serializers.SerializerMethodField()

    def get_revision(self, row: Rendition | RenditionRequest) -> int:
        """The matte's revision."""
        return (row.matte.revision if row.matte else getattr(row, "revision", None)) or 0

    @extend_schema_field(serializers.ChoiceField(choices=["queued", "running", "failed", "done"]))
    def get_state(self, row: Rendition | RenditionRequest) -> str:
        """How far the rendition is."""
        return row.state if isinstance(row, RenditionRequest) else "done"

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, row: Rendition | RenditionRequest) -> dict[str, Any] | None:
        """Why it failed."""
        if not isinstance(row, RenditionRequest) or not row.error_code:
            return None
        return {"code": row.error_code, "sentence": row.error_sentence}

    def get_media_type(self, row: Rendition | RenditionRequest) -> str | None:
        """The file's media type."""
        return getattr(row, "media_type", None)

    def get_extension(self, row: Rendition | RenditionRequest) -> str | None:
        """The file's extension."""
        return getattr(row, "extension", None)

    def get_size(self, row: Rendition | RenditionRequest) -> int | None:
        """The file's size in bytes."""
        return getattr(row, "size", None)

    def get_width(self, row: Rendition | RenditionRequest) -> int | None:
        """The width in pixels."""
        return getattr(row, "width", None)

    def get_height(self, row: Rendition | RenditionRequest) -> int | None:
        """The height in pixels."""
        return getattr(row, "height", None)

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_file_url(self, row: Rendition | RenditionRequest) -> Any:
        """The file's URL; null until the rendition is made."""
        if isinstance(row, RenditionRequest):
            return None
        address = UrlField("rendition-file")
        address.bind("file_url", self)
        return address.to_representation(row)

"""Uploads over the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.fields import FileSize, StrictCharField, StrictSerializer
from jobs.api.serializers.common import Address, ErrorSerializer, Shape
from jobs.models import Upload


class UploadStart(StrictSerializer):
    """A file that is going to be sent."""

    name = StrictCharField(
        max_length=1000, allow_blank=True, help_text="May hold the folders that it lies in."
    )
    size = FileSize(min_value=1, max_value=2**53, help_text="In bytes; more are not taken.")


class UploadBody(Shape):
    """The bytes."""

    file = serializers.FileField(allow_empty_file=True)


class UploadSerializer(Shape):
    """A file on its way in."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=Upload.State.values)
    size = serializers.IntegerField(allow_null=True)
    format = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    error = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    url = Address("upload")

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, upload: Upload) -> dict[str, Any] | None:
        """Why it was refused."""
        if not upload.error_code:
            return None
        return {"code": upload.error_code, "sentence": upload.error_sentence}


class TargetSerializer(Shape):
    """Where the bytes go: a multipart form of `fields`, then the file as field `file`."""

    method = serializers.ChoiceField(choices=["POST"])
    url = serializers.URLField()
    fields = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]  # not the property


class UploadStarted(UploadSerializer):
    """A file that is awaited."""

    target = TargetSerializer()
    finish_url = Address("upload-finish")

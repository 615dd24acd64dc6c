"""Serializers of uploads."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.fields import FileSizeField, StrictCharField, StrictSerializer
from jobs.api.serializers.common import ErrorSerializer, ResponseSerializer, UrlField
from jobs.models import Upload


class UploadStart(StrictSerializer):
    """The name and size of a file to be uploaded."""

    name = StrictCharField(max_length=1000, allow_blank=True, help_text="May include folders.")
    size = FileSizeField(min_value=1, max_value=2**53, help_text="In bytes. A larger body is refused.")


class UploadBody(ResponseSerializer):
    """The bytes."""

    file = serializers.FileField(allow_empty_file=True)


class UploadSerializer(ResponseSerializer):
    """An upload."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=Upload.State.values)
    size = serializers.IntegerField(allow_null=True)
    format = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    error = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    url = UrlField("upload")

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, upload: Upload) -> dict[str, Any] | None:
        """Why it was refused."""
        if not upload.error_code:
            return None
        return {"code": upload.error_code, "sentence": upload.error_sentence}


class TargetSerializer(ResponseSerializer):
    """Where to send the bytes: a multipart form with `fields`, then the file as field `file`."""

    method = serializers.ChoiceField(choices=["POST"])
    url = serializers.URLField()
    fields = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]  # not the property


class UploadStarted(UploadSerializer):
    """An upload that awaits its bytes."""

    target = TargetSerializer()
    finish_url = UrlField("upload-finish")

"""What several serializers share: URL fields and pages."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

ResponseSerializer = serializers.Serializer[Any]


@extend_schema_field(OpenApiTypes.URI)
class UrlField(serializers.Field[Any, Any, Any, Any]):
    """The absolute URL of an API route, built from the object's `source` attribute."""

    def __init__(self, name: str, *, source: str = "pk", when: str = "", **more: Any) -> None:
        """name: the route's name. when: the URL is null unless this attribute of the object is true."""
        super().__init__(source="*", read_only=True, **more)
        self._name, self._argument, self._when = name, source, when

    def to_representation(self, value: Any) -> str | None:
        """The URL."""
        if self._when and not getattr(value, self._when):
            return None
        path = reverse(f"api:{self._name}", args=[getattr(value, self._argument)])
        request = self.context["request"]
        return str(request.build_absolute_uri(path))


def page_schema(shape: type[ResponseSerializer]) -> ResponseSerializer:
    """The schema of a page of objects."""
    return inline_serializer(
        f"{shape.__name__.removesuffix('Serializer')}Page",
        {
            "results": shape(many=True),
            "next": serializers.URLField(allow_null=True, help_text="The next page."),
            "previous": serializers.URLField(allow_null=True, help_text="The previous page."),
        },
    )


class ErrorSerializer(ResponseSerializer):
    """Why something failed."""

    code = serializers.CharField()
    sentence = serializers.CharField()

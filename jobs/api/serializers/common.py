"""What several shapes share: addresses, and pages of things."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

Shape = serializers.Serializer[Any]


@extend_schema_field(OpenApiTypes.URI)
class Address(serializers.Field[Any, Any, Any, Any]):
    """The absolute address of one of the API's own, made of the object's `source` value."""

    def __init__(self, name: str, *, source: str = "pk", when: str = "", **more: Any) -> None:
        """name: of the address. when: the address is null unless this attribute of the object is true."""
        super().__init__(source="*", read_only=True, **more)
        self._name, self._argument, self._when = name, source, when

    def to_representation(self, value: Any) -> str | None:
        """The address."""
        if self._when and not getattr(value, self._when):
            return None
        path = reverse(f"api:{self._name}", args=[getattr(value, self._argument)])
        request = self.context["request"]
        return str(request.build_absolute_uri(path))


def page_of(shape: type[Shape]) -> Shape:
    """The shape of a page of things, for the schema."""
    return inline_serializer(
        f"{shape.__name__.removesuffix('Serializer')}Page",
        {
            "results": shape(many=True),
            "next": serializers.URLField(allow_null=True, help_text="The page behind this one."),
            "previous": serializers.URLField(allow_null=True, help_text="The page before this one."),
        },
    )


class ErrorSerializer(Shape):
    """Why something failed."""

    code = serializers.CharField()
    sentence = serializers.CharField()

"""Serializer fields that do not coerce: only the schema's own types are accepted."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from segmentation.pictures import refusals
from segmentation.recipe import Recipe, versions

_EMPTY = refusals.empty_file()


class StrictSerializer(serializers.Serializer[Any]):
    """A body in which unknown fields are refused: they are usually typing errors."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuses unknown fields, in addition to the fields' own validation."""
        if isinstance(data, dict):
            unknown = set(data) - set(self.fields)
            if unknown:
                known = ", ".join(self.fields)
                sentence = f"Unknown field. The known ones are {known}."
                raise serializers.ValidationError(
                    {name: [serializers.ErrorDetail(sentence, "unknown_field")] for name in sorted(unknown)}
                )
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """Accepts strings only: no numbers, no booleans."""

    def to_internal_value(self, data: Any) -> str:
        """The string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """Accepts whole numbers only: no strings, no booleans."""

    def to_internal_value(self, data: Any) -> int:
        """The number."""
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            self.fail("invalid")
        return int(data)


class FileSizeField(StrictIntegerField):
    """A file's size, which cannot be 0."""

    def to_internal_value(self, data: Any) -> int:
        """The size. Refuses 0 with the usual error for empty files."""
        size = super().to_internal_value(data)
        if size == 0:
            raise serializers.ValidationError(_EMPTY.sentence, _EMPTY.code)
        return size


class NonEmptyFileField(serializers.FileField):
    """A file that is not empty."""

    def to_internal_value(self, data: Any) -> Any:
        """The file. Refuses an empty one with the usual error."""
        if getattr(data, "size", None) == 0:
            raise serializers.ValidationError(_EMPTY.sentence, _EMPTY.code)
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """Accepts true and false only."""

    def to_internal_value(self, data: Any) -> bool:
        """The boolean."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class RecipeField(serializers.Field[Any, Any, Any, Any]):
    """The JSON of a recipe in a request; Recipe.parse checks it."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The object, unchanged."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("A recipe is an object.", "invalid")
        return data


class StoredRecipeField(serializers.Field[Any, Any, Any, Any]):
    """A recipe in a response, always upgraded to the current version."""

    def to_representation(self, value: Any) -> Any:
        """Every field."""
        return Recipe.stored(value).as_dict()


class RecipeFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The schema of a recipe in a request, from the descriptions of its fields."""

    target_class = RecipeField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """An object; no field is required."""
        version = {"enum": [versions.current()], "type": "integer"}
        properties = {name: field.schema() for name, field in Recipe.described().items()}
        return {
            "type": "object",
            "properties": {"version": version, **properties},
            "additionalProperties": False,
            "description": "How to process each picture. Omitted fields take their defaults.",
            "examples": [{"background": "#ffffff", "format": "jpeg", "crop": True, "crop_margin": "4%"}],
        }


class StoredRecipeFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The schema of a recipe in a response."""

    target_class = StoredRecipeField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """An object with every field."""
        text = {"type": "string"}
        properties: dict[str, dict[str, Any]] = {name: {} for name in Recipe.described()}
        return {
            "type": "object",
            "properties": {"version": {"type": "integer"}, **properties, "model": text, "format": text},
            "required": ["version", *properties],
            "description": "A recipe in its normal form, with every field.",
        }

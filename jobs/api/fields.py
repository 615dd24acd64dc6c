"""Fields that take what the schema says and nothing that only looks like it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from segmentation.pictures import refusals
from segmentation.recipe import CHANNELS, FORMATS, METADATA, REFINEMENTS, SHRINKS

_EMPTY = refusals.empty_file()
_RECIPE_WORDS: dict[str, Any] = {
    "version": {"enum": [1], "type": "integer"},
    "model": {"type": ["string", "null"], "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$", "examples": ["u2net"]},
    "refine": {"enum": [*REFINEMENTS, None], "default": "fast"},
    "shrink": {"enum": [*SHRINKS, None], "default": "auto"},
    "roi": {
        "description": "Only what lies inside counts: left, top, right, bottom.",
        "examples": ["10% 10% 90% 90%"],
    },
    "crop": {"type": ["boolean", "string", "null"], "default": False},
    "crop_margin": {"description": "1, 2 or 4 lengths.", "examples": ["4%"]},
    "scale": {"description": "The subject's size in % of the canvas.", "examples": ["85%"]},
    "position": {
        "description": "The subject's place: where it was, or the middle where there is a scale.",
        "examples": ["center", "50% 100%", "original"],
    },
    "background": {"examples": ["transparent", "#ffffff", "linear:#fff,#eee,90", "blur:2%"]},
    "shadow": {"examples": ["drop", "contact"]},
    "semitransparency": {"type": ["boolean", "string", "null"], "default": True},
    "binary": {
        "type": ["boolean", "string", "null"],
        "default": False,
        "description": "A matte of 0 and 255 only.",
    },
    "size": {"examples": ["2000x2000", "4MP"]},
    "format": {"enum": [*FORMATS, None], "default": "png"},
    "quality": {"type": ["integer", "string", "null"], "examples": [85]},
    "metadata": {"enum": [*METADATA, None], "default": "strip"},
    "channels": {"enum": [*CHANNELS, None], "default": "rgba"},
}


class StrictSerializer(serializers.Serializer[Any]):
    """A body in which a name that nobody knows is refused: it is a slip more often than not."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuses unknown names beside what the fields refuse."""
        if isinstance(data, dict):
            unknown = set(data) - set(self.fields)
            if unknown:
                known = ", ".join(self.fields)
                sentence = f"There is no such field here; there are {known}."
                raise serializers.ValidationError(
                    {name: [serializers.ErrorDetail(sentence, "unknown_field")] for name in sorted(unknown)}
                )
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """Text that is text: no number, no flag."""

    def to_internal_value(self, data: Any) -> str:
        """The text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A whole number that is one: no text that looks like it."""

    def to_internal_value(self, data: Any) -> int:
        """The number."""
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            self.fail("invalid")
        return int(data)


class FileSize(StrictIntegerField):
    """The size of a file; none is empty."""

    def to_internal_value(self, data: Any) -> int:
        """The number. Refuses 0 as an empty file is refused everywhere."""
        size = super().to_internal_value(data)
        if size == 0:
            raise serializers.ValidationError(_EMPTY.sentence, _EMPTY.code)
        return size


class PictureFile(serializers.FileField):
    """A file that is not empty."""

    def to_internal_value(self, data: Any) -> Any:
        """The file. Refuses an empty one as it is refused everywhere."""
        if getattr(data, "size", None) == 0:
            raise serializers.ValidationError(_EMPTY.sentence, _EMPTY.code)
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        """The flag."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field(
    {
        "type": "object",
        "properties": _RECIPE_WORDS,
        "additionalProperties": False,
        "description": "What is wanted of each picture. What is left out takes its default.",
        "examples": [{"background": "#ffffff", "format": "jpeg", "crop": True, "crop_margin": "4%"}],
    }
)
class RecipeField(serializers.Field[Any, Any, Any, Any]):
    """A recipe as people write it; Recipe.parse judges it."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The object as it is."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("A recipe is an object.", "invalid")
        return data


@extend_schema_field(
    {
        "type": "object",
        "properties": {
            **{name: {} for name in _RECIPE_WORDS},
            "version": {"type": "integer"},
            "model": {"type": "string"},
            "format": {"type": "string"},
        },
        "required": list(_RECIPE_WORDS),
        "description": "A recipe with every field, one spelling each.",
    }
)
class StoredRecipeField(serializers.Field[Any, Any, Any, Any]):
    """A recipe as it was understood."""

    def to_representation(self, value: Any) -> Any:
        """As it is stored."""
        return value

"""What a recipe can do with its fields, whichever they are: parse, write, spell, digest.

A new field needs no change here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Self, cast

from segmentation.errors import RecipeError
from segmentation.recipe import versions
from segmentation.recipe.field import Field, described_fields

# The fields of the first digests. Other fields are part of a digest only if they differ from their default:
# so a new field changes no digest of a stored recipe. Never add to this set.
_ALWAYS_IN_DIGESTS: Final = frozenset(
    (
        *("model", "refine", "shrink", "roi"),
        *("crop", "crop_margin", "scale", "position", "background", "shadow", "size"),
        *("format", "quality", "metadata", "channels"),
    )
)


class Record:
    """The base of Recipe: reads and writes the fields that a dataclass describes."""

    __slots__ = ()

    @classmethod
    def described(cls) -> Mapping[str, Field]:
        """The descriptions of the fields by name, in order."""
        return _described(cast(Any, cls))

    @classmethod
    def matte_fields(cls) -> tuple[str, ...]:
        """The fields that decide the matte: another value needs another run of the model."""
        return tuple(name for name, field in cls.described().items() if field.decides == "matte")

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """A recipe from input: JSON or text values by field. A field that is absent or null has its default.

        Strict; for recipes from the database use `stored`. Raises RecipeError: `unknown_field` for a key that
        is no field, `unknown_version` for another version, `invalid_<field>` for a bad value.
        """
        known = cls.described()
        for key in value:
            if key not in known and key != "version":
                raise RecipeError(
                    "unknown_field", f"A recipe has no {key!r}; it has {', '.join(known)}.", str(key)
                )
        current = versions.current()
        version = value.get("version", current)
        if version not in (current, str(current)) or isinstance(version, bool):
            raise RecipeError(
                "unknown_version",
                f"The only supported recipe version is {current}, not {version!r}.",
                "version",
            )
        make: Callable[..., Self] = cls
        return make(**{key: item for key, item in value.items() if item is not None and key != "version"})

    @classmethod
    def stored(cls, value: Mapping[str, object]) -> Self:
        """A recipe that `as_dict` of this or an earlier version wrote: the one way to read a JSON column.

        Raises RecipeError `unknown_version` for a recipe of a newer version.
        """
        return cls.parse(versions.upgrade(value))

    @classmethod
    def from_strings(cls, value: Mapping[str, str]) -> Self:
        """A recipe from form fields or command-line options. Empty text means that the field is absent."""
        return cls.parse({key: text for key, text in value.items() if text.strip()})

    def read_fields(self) -> None:
        """Replace each value by what its field reads from it. Raises RecipeError `invalid_<field>`."""
        for name, field in self.described().items():
            value = getattr(self, name)
            if value is not None or field.default is not None:
                object.__setattr__(self, name, field.read(value, name))

    def as_dict(self) -> dict[str, object]:
        """The canonical JSON form with every field. `parse` reads it back; the database stores it."""
        return {
            "version": versions.current(),
            **{name: field.as_json(getattr(self, name)) for name, field in self.described().items()},
        }

    def as_strings(self) -> dict[str, str]:
        """Every field as the text that `from_strings` reads back; "" if it is not set."""
        return {name: field.as_text(getattr(self, name)) for name, field in self.described().items()}

    @property
    def digest(self) -> str:
        """SHA-256 (64 hex digits) of the recipe: the cache key of a rendition."""
        return self._digest(self.described())

    @property
    def matte_digest(self) -> str:
        """SHA-256 (64 hex digits) of the fields that decide the matte: the cache key of a matte."""
        return self._digest(self.matte_fields())

    def _digest(self, names: Iterable[str]) -> str:
        described = self.described()
        # The key is called `version` because the first digests called it so.
        canonical: dict[str, Any] = {"version": versions.RENDERING}
        for name in names:
            value = getattr(self, name)
            if name in _ALWAYS_IN_DIGESTS or value != described[name].default:
                canonical[name] = described[name].as_json(value)
        text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


@cache
def _described(cls: type[Any]) -> Mapping[str, Field]:
    return MappingProxyType({field.name: field for field in described_fields(cls)})

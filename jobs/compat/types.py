"""The subject types of remove.bg's API: the parameter `type` and the header X-Type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OTHER: Final = "other"
TYPES: Final = frozenset({"person", "product", "car", "animal", "graphic", "transportation"})
# Responses of level 2 say `graphics`, and clients send that back as a type.
GRAPHICS: Final = "graphics"
LEVEL_1: Final = frozenset({"person", "product", "car", "animal"})
NO_LEVEL: Final = "none"
FINE_LEVELS: Final = frozenset({"2", "latest"})


def type_of(said: str) -> str:
    """The subject type that a caller names; `other` for any unknown word."""
    said = said.strip().lower()
    if said == GRAPHICS:
        return "graphic"
    return said if said in TYPES else OTHER


def x_type(fields: Mapping[str, str], kind: str) -> str | None:
    """The X-Type header in the requested `type_level` (default 1); None: no header."""
    level = fields.get("type_level", "").strip().lower()
    if level == NO_LEVEL:
        return None
    if level in FINE_LEVELS:
        return GRAPHICS if kind == "graphic" else kind
    return kind if kind in LEVEL_1 else OTHER

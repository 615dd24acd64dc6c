"""Versions of stored recipes, and the steps that upgrade old ones.

`STEPS[0]` turns a recipe of version 1 into one of version 2, and so on. The number of steps gives the current
version. A step takes and returns the JSON form. A new field whose default changes nothing needs no step. A
field that is renamed or removed, or whose old values mean something else now, needs one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from segmentation.errors import RecipeError

Json = dict[str, object]
Step = Callable[[Json], Json]

STEPS: tuple[Step, ...] = ()

RENDERING: Final = 1
"""Part of every digest. Raise it when the same recipe gives other pixels: old cache entries then miss."""


def current() -> int:
    """The version of the recipes that this code writes and accepts as input."""
    return 1 + len(STEPS)


def upgrade(stored: Mapping[str, object]) -> Json:
    """A stored recipe in the current form, without its version number.

    Raises RecipeError `unknown_version` for a version that this code does not know, such as a newer one.
    """
    recipe = dict(stored)
    version = recipe.pop("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= current():
        sentence = (
            f"This recipe has version {version!r}; this installation reads versions 1 to {current()}. "
            "Run the release that wrote it, or a newer one."
        )
        raise RecipeError("unknown_version", sentence, "version")
    for step in STEPS[version - 1 :]:
        recipe = step(recipe)
    return recipe

"""Presets: built-in ones and a user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction

from accounts import locks
from accounts.models import User
from jobs import names
from jobs.errors import PresetRefusedError
from jobs.models import Job, Preset
from jobs.services import result_limits
from segmentation.errors import RecipeError
from segmentation.recipe import PRESETS, Recipe

PRESETS_A_USER = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def save(user: User, name: str, title: str, recipe: Recipe) -> tuple[Preset, bool]:
    """Saves a recipe under a name; replaces an earlier one. Returns the preset and whether it is new.

    Raises PresetRefusedError if the name is invalid or belongs to a built-in preset, or if the user has too
    many. Raises RecipeError if the size exceeds the user's limit on results.
    """
    if not _NAME.fullmatch(name):
        raise PresetRefusedError(
            "invalid_name", "Use at most 64 lowercase letters, digits and hyphens for a preset's name."
        )
    if name in PRESETS:
        raise PresetRefusedError("name_taken", "A built-in preset has this name. Choose another one.")
    result_limits.check_size(recipe, result_limits.most_pixels(user))
    with transaction.atomic():
        # The lock on the user keeps the count valid until the preset is written.
        locks.hold_user(user.pk)
        mine = Preset.objects.for_user(user)
        if not mine.filter(name=name).exists() and mine.count() >= PRESETS_A_USER:
            raise PresetRefusedError(
                "too_many_presets", f"You have {PRESETS_A_USER} presets. Delete one that you no longer need."
            )
        return Preset.objects.update_or_create(
            user=user,
            name=name,
            defaults={"title": names.one_line(title)[:100] or name, "recipe": recipe.as_dict()},
        )


def delete(user: User, name: str) -> bool:
    """Deletes a preset of the user's own. Returns whether it existed."""
    deleted: int = Preset.objects.for_user(user).filter(name=name).delete()[0]
    return bool(deleted)


def recipe_of(user: User, preset: str, given: Mapping[str, object]) -> Recipe:
    """Returns a preset's recipe ("" for none), overridden by the given fields.

    The default model is the setting MODEL.

    Raises RecipeError, which names the field.
    """
    return Recipe.parse({"model": settings.MODEL, **(ground(user, preset) if preset else {}), **given})


def recipe_again(job: Job, preset: str, given: Mapping[str, object]) -> Recipe:
    """Returns the recipe for another run of a job.

    It is the job's recipe, overridden by the preset ("" for none), overridden by the given fields.

    Raises RecipeError, which names the field.
    """
    base = Recipe.stored(job.recipe).as_dict()
    return Recipe.parse({**base, **(ground(job.user, preset) if preset else {}), **given})


def ground(user: User, preset: str) -> Mapping[str, object]:
    """Returns the fields of a preset. Raises RecipeError if it does not exist."""
    if preset in PRESETS:
        # Built-in presets do not set the model.
        return {key: value for key, value in PRESETS[preset].recipe.as_dict().items() if key != "model"}
    own: Preset | None = Preset.objects.for_user(user).filter(name=preset).first()
    if own is None:
        raise RecipeError(
            "unknown_preset",
            f"There is no preset {preset!r}. Choose one of yours or a built-in one.",
            "preset",
        )
    return Recipe.stored(own.recipe).as_dict()

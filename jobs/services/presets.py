"""Presets: a user's own, and those that everybody has."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction

from accounts import locks
from accounts.models import User
from common import names
from jobs.errors import PresetRefusedError
from jobs.models import Job, Preset
from jobs.services import result_limits
from segmentation.errors import RecipeError
from segmentation.recipe import PRESETS, Recipe

PRESETS_A_USER = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def save(user: User, name: str, title: str, recipe: Recipe) -> tuple[Preset, bool]:
    """Give a recipe a name, or a name another recipe; the preset, and whether it is new.

    Raises PresetRefusedError for a name that is none, or taken by one that everybody has, and one too many,
    and RecipeError for a size that is larger than the user's results may be.
    """
    if not _NAME.fullmatch(name):
        raise PresetRefusedError(
            "invalid_name", "A preset's name is of small letters, digits and hyphens, at most 64."
        )
    if name in PRESETS:
        raise PresetRefusedError("name_taken", "Everybody has a preset of this name: choose another one.")
    result_limits.check_size(recipe, result_limits.most_pixels(user))
    with transaction.atomic():
        # The user's row is the lock: what is counted here stays so until the preset is there.
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
    """Delete one of the user's own; whether it was there."""
    deleted: int = Preset.objects.for_user(user).filter(name=name).delete()[0]
    return bool(deleted)


def recipe_of(user: User, preset: str, given: Mapping[str, object]) -> Recipe:
    """The recipe of a preset ("" is none) with the given fields on top. The default model is the site's.

    Raises RecipeError, which names the field.
    """
    return Recipe.parse({"model": settings.MODEL, **(ground(user, preset) if preset else {}), **given})


def recipe_again(job: Job, preset: str, given: Mapping[str, object]) -> Recipe:
    """The recipe of another run of a job: the job's own, then the preset ("" is none), then the given fields.

    Raises RecipeError, which names the field.
    """
    base = Recipe.stored(job.recipe).as_dict()
    return Recipe.parse({**base, **(ground(job.user, preset) if preset else {}), **given})


def ground(user: User, preset: str) -> Mapping[str, object]:
    """The fields of a preset. Raises RecipeError for one that does not exist."""
    if preset in PRESETS:
        # Built-in presets leave the model open.
        return {key: value for key, value in PRESETS[preset].recipe.as_dict().items() if key != "model"}
    own: Preset | None = Preset.objects.for_user(user).filter(name=preset).first()
    if own is None:
        raise RecipeError("unknown_preset", f"There is no preset {preset!r}.", "preset")
    return Recipe.stored(own.recipe).as_dict()

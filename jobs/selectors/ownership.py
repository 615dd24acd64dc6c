"""Which tables hold rows of an account, found from the foreign keys: for exports and erasures.

A new table with a foreign key to the user, or to a row of the user's, is found without a change here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from django.apps import apps
from django.db.models import CASCADE, PROTECT, RESTRICT, Field, ForeignKey, Model, Q, QuerySet

from accounts.models import User

# A row goes with the one that it refers to. With SET_NULL it stays, and belongs to somebody else.
_GOES_WITH: Final = (CASCADE, PROTECT, RESTRICT)


@cache
def paths() -> Mapping[type[Model], tuple[str, ...]]:
    """Returns the models whose rows belong to an account, with the lookups that lead to its `User`.

    A model with foreign keys to the user has these, any other the shortest way through another such model.
    """
    models = [one for one in apps.get_models(include_auto_created=True) if one is not User and _is_table(one)]
    found: dict[type[Model], tuple[str, ...]] = {User: ("pk",)}
    for model in models:
        direct = tuple(field.name for field in _parents(model) if field.related_model is User)
        if direct:
            found[model] = direct
    known = [one for one in found if one is not User]
    while known:
        # One more step away from the user.
        known = [
            model
            for model in models
            if model not in found and _add(model, found, [one for one in known if one is not model])
        ]
    return found


def of(model: type[Model], user: int) -> QuerySet[Any]:
    """Returns the rows of a model that belong to an account."""
    condition = Q()
    for path in paths()[model]:
        condition |= Q(**{path: user})
    return model._base_manager.filter(condition)


def directly_owned() -> list[type[Model]]:
    """Returns the models with a foreign key to the user, in the order of their names."""
    direct = [
        model
        for model in paths()
        if model is not User and any(field.related_model is User for field in _parents(model))
    ]
    return sorted(direct, key=lambda model: model._meta.label)


def people(model: type[Model]) -> list[Field[Any, Any]]:
    """Returns the fields of a model that name an account by a foreign key."""
    return [field for field in model._meta.concrete_fields if field.related_model is User]


def _is_table(model: type[Model]) -> bool:
    return bool(model._meta.managed) and not model._meta.proxy


def _parents(model: type[Model]) -> list[ForeignKey[Any, Any]]:
    """Returns the foreign keys of a model with whose targets its rows are deleted."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.remote_field.on_delete in _GOES_WITH
    ]


def _add(model: type[Model], found: dict[type[Model], tuple[str, ...]], nearest: list[type[Model]]) -> bool:
    """Adds a model that refers to one of the nearest models. Returns whether it does."""
    ways = tuple(
        f"{field.name}__{path}"
        for field in _parents(model)
        if field.related_model in nearest
        for path in found[field.related_model]
    )
    if ways:
        found[model] = ways
    return bool(ways)

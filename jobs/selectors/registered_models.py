"""Registered models: the catalogue's, the operator's own, and the default."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext

from segmentation import weights
from segmentation.recipe import Choice


def names() -> list[str]:
    """The names of all models that a recipe may use."""
    # The web process may run without weights, so the default model always counts as registered.
    known = weights.names()
    return known if settings.MODEL in known else [*known, settings.MODEL]


def title(name: str) -> str:
    """The model's title in the user's language. For an operator's own model, its name."""
    published = weights.CATALOGUE.get(name)
    return gettext(published.title) if published else name


def choices() -> tuple[Choice, ...]:
    """All models as choices of a form field."""
    return tuple(
        Choice(name, found.title, found.help)
        if (found := weights.CATALOGUE.get(name))
        else Choice(name, name)
        for name in names()
    )

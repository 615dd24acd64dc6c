"""The registered models: the catalogue's, the operator's own, and the site's default."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext

from segmentation import weights
from segmentation.recipe import Choice


def names() -> list[str]:
    """The names of all models that a recipe may have."""
    # The web process may run without the weights: the default model counts as registered.
    known = weights.names()
    return known if settings.MODEL in known else [*known, settings.MODEL]


def title(name: str) -> str:
    """The model's title for people, in their language; the name of a model of the operator's own."""
    published = weights.CATALOGUE.get(name)
    return gettext(published.title) if published else name


def choices() -> tuple[Choice, ...]:
    """All models as choices of a form."""
    return tuple(
        Choice(name, found.title, found.help)
        if (found := weights.CATALOGUE.get(name))
        else Choice(name, name)
        for name in names()
    )

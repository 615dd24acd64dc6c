"""The recipe in HTML forms. Every control derives from the declaration of a recipe field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils.translation import gettext

from jobs.selectors import registered_models
from segmentation.errors import RecipeError
from segmentation.recipe import Choice, Field, Recipe

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_MAX_TEXT: Final = 1000


@dataclass(frozen=True)
class Option:
    """One choice of a control. key: the value's English name, for CSS."""

    value: str
    label: str
    help: str
    summary: str
    key: str
    checked: bool


@dataclass(frozen=True)
class Control:
    """A field of the options form.

    widget: swatches, radios, select or text. own: the value, if it is a colour without a swatch.
    """

    name: str
    label: str
    help: str
    widget: str
    value: str
    default: str
    hint: str
    options: tuple[Option, ...]
    own: str


@dataclass(frozen=True)
class Options:
    """The options form: the prominent fields, and those under "More options", open if any of them is set."""

    main: tuple[Control, ...]
    more: tuple[Control, ...]

    @property
    def expanded(self) -> bool:
        """Whether a field under "More options" differs from its default."""
        return any(control.value != control.default for control in self.more)


def options(recipe: Recipe) -> Options:
    """The options form with the values of `recipe`."""
    texts = recipe.as_strings()
    described = Recipe.described().values()
    controls = {field.name: _control(field, texts[field.name]) for field in described}
    return Options(
        tuple(controls[field.name] for field in _in_order(described) if field.prominent),
        tuple(controls[field.name] for field in described if not field.prominent),
    )


def _in_order(described: Iterable[Field]) -> list[Field]:
    """Sorts by how often people change a field: pixels first, then the matte and the file; the model comes
    last.
    """
    return sorted(described, key=lambda field: (field.name == "model", field.decides != "pixels"))


def _control(field: Field, value: str) -> Control:
    default = field.as_text(field.default)
    if isinstance(field.default, bool):
        # Forms send "true" or "false": an empty value would mean the default.
        value, default = value or str(field.default).lower(), str(field.default).lower()
    own = value if field.name == "background" and _COLOUR.fullmatch(value) else ""
    own = "" if own in field.values else own
    return Control(
        name=field.name,
        label=gettext(field.label),
        help=help_of(field),
        widget=_widget(field),
        value=value,
        default=default,
        hint=str(field.examples[0]) if field.examples else "",
        options=() if _widget(field) == "text" else tuple(_options(field, value, own)),
        own=own,
    )


def help_of(field: Field) -> str:
    """Returns the help text of a field, with its syntax if the field is free text."""
    help = gettext(field.help)
    if offered(field) or not field.syntax:
        return help
    return f"{help} {gettext('Write %s.') % gettext(field.syntax)}"


def _widget(field: Field) -> str:
    if field.name == "background":
        return "swatches"
    if not offered(field):
        return "text"
    return "radios" if field.prominent else "select"


def offered(field: Field) -> tuple[Choice, ...]:
    """Returns the choices that forms offer for a field. The choices of `model` are the registered models."""
    return registered_models.choices() if field.name == "model" else field.choices


def _options(field: Field, value: str, own: str) -> Iterable[Option]:
    known = [choice for choice in offered(field) if choice.listed or choice.value == value]
    if value and not own and value not in (choice.value for choice in known):
        known.append(Choice(value, value, gettext("As in this job."), value))
    for choice in known:
        label = gettext(choice.label)
        yield Option(
            value=choice.value,
            label=label,
            help=gettext(choice.help) if choice.help else "",
            summary=_summary(field, choice, label),
            key=choice.summary if choice in field.choices else "other",
            checked=choice.value == value,
        )


def _summary(field: Field, choice: Choice, label: str) -> str:
    """Returns the text of a choice in the form's summary line; empty for the default model."""
    if field.name == "model" and choice.value == settings.MODEL:
        return ""
    return gettext(choice.summary) if choice.summary and field.name != "background" else label


def describe(recipe: Recipe) -> str:
    """Describes a recipe in one line: `white JPEG, best edges, U²-Net`."""
    kind = gettext("matte alone")
    if recipe.channels != "alpha":
        kind = f"{_words(recipe, 'background')} {_words(recipe, 'format')}"
    return ", ".join([kind, _words(recipe, "refine"), registered_models.title(recipe.model)])


def _words(recipe: Recipe, name: str) -> str:
    field = Recipe.described()[name]
    text = field.as_text(getattr(recipe, name))
    found = next((choice for choice in field.choices if choice.value == text), None)
    return gettext(found.summary or found.label) if found else text


def read_recipe(form: Mapping[str, str], base: Recipe | None = None) -> Recipe:
    """Reads the recipe of a form, on top of `base`. A field that the form lacks keeps the value of `base`; an
    empty field gets its default. Other fields of the form are ignored.

    Raises RecipeError, which names the field.
    """
    texts = {} if base is None else base.as_strings()
    texts |= {name: form[name] for name in Recipe.described() if name in form}
    given = {name: text for name, text in texts.items() if text.strip()}
    return Recipe.from_strings({"model": settings.MODEL, **given})


class RecipeForm(forms.Form):
    """Changes of a recipe: an optional form field for each recipe field.

    widgets: the widget classes for choices and for text.
    """

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, widgets: Mapping[str, type[forms.Widget]]
    ) -> None:
        super().__init__(data)
        for field in Recipe.described().values():
            self.fields[field.name] = self._form_field(field, widgets)

    def _form_field(self, field: Field, widgets: Mapping[str, type[forms.Widget]]) -> forms.Field:
        about: dict[str, Any] = {
            "label": gettext(field.label),
            "help_text": help_of(field),
            "required": False,
        }
        if choices := offered(field):
            named = [(choice.value, gettext(choice.label)) for choice in choices]
            return forms.ChoiceField(
                choices=[("", gettext("As in each job")), *named], widget=widgets["choice"], **about
            )
        hint = {"placeholder": str(field.examples[0])} if field.examples else {}
        return forms.CharField(max_length=_MAX_TEXT, widget=widgets["text"](attrs=hint), **about)

    def clean(self) -> dict[str, Any]:
        """Returns only the given fields, each validated by its declaration."""
        given = {name: text for name, text in (super().clean() or {}).items() if text}
        for name, field in Recipe.described().items():
            try:
                if name in given:
                    field.read(given[name], name)
            except RecipeError as error:
                self.add_error(name, error.sentence)
        return given

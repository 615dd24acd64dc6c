"""The description of a recipe's field.

JSON, text forms, digests, the HTML form, the admin form, the REST schema and the command line derive from it.
`choice`, `flag` and `described` are used in the body of the Recipe class, where a field is declared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from segmentation.messages import gettext_noop as _
from segmentation.recipe.reading import read_choice, read_flag

Decides = Literal["matte", "canvas", "pixels", "file"]
Json = dict[str, Any]

_KEY: Final = "recipe"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that forms offer.

    summary: the words for a one-line summary of a recipe; the label if empty.
    listed: False keeps it out of forms whose recipe does not have it already.
    """

    value: str
    label: str
    help: str = ""
    summary: str = ""
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a recipe.

    label, help: for people; one sentence of help. Both are translated where they are shown.
    decides: `matte` if another value needs another run of the model; a rendition alone needs none for the
        others. `canvas`, `pixels` and `file` say which part of the rendition changes.
    read: the value from JSON or text, checked; takes the field's name for errors. Also takes its own result.
    write, spell: the value as canonical JSON, and as the text that `read` takes. Neither is called with None.
    choices: the values that forms offer; `restricted` says that there are no others.
    syntax: how the text is written, for help texts. examples: for the schema; the first one is a form's hint.
    types: JSON types beside the restricted choices, if the schema names them. pattern: of a text.
    prominent: whether forms show it at once rather than under "More options".
    switch: whether the command-line option takes no value.
    """

    default: Any
    label: str
    help: str
    decides: Decides
    read: Callable[[object, str], object]
    write: Callable[[Any], object] = lambda value: value
    spell: Callable[[Any], str] = str
    choices: tuple[Choice, ...] = ()
    restricted: bool = False
    syntax: str = ""
    examples: tuple[object, ...] = ()
    types: tuple[str, ...] = ()
    pattern: str = ""
    prominent: bool = False
    switch: bool = False
    name: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the choices."""
        return tuple(choice.value for choice in self.choices)

    def as_json(self, value: object) -> object:
        """The canonical JSON of a value."""
        return None if value is None else self.write(value)

    def as_text(self, value: object) -> str:
        """A value as text; "" if it is not set."""
        return "" if value is None else self.spell(value)

    def schema(self) -> Json:
        """The JSON schema of the field in a request. null means the default."""
        how = f" Write {self.syntax}." if self.syntax else ""
        schema: Json = {"description": f"{self.help}{how}"}
        if self.restricted:
            return {"enum": [*self.values, None], "default": self.default, **schema}
        if self.types:
            schema["type"] = [*self.types, "null"]
        if self.pattern:
            schema["pattern"] = self.pattern
        if isinstance(self.default, bool):
            schema["default"] = self.default
        if self.examples:
            schema["examples"] = [*self.examples]
        return schema


def described(**description: Any) -> Any:
    """A field in the body of the Recipe class; takes what Field takes, without the name."""
    field = Field(**description)
    return dataclasses.field(default=field.default, metadata={_KEY: field})


def choice(*choices: Choice, **description: Any) -> Any:
    """A field with these values and no others; the default is the first one unless it is given."""
    values = tuple(one.value for one in choices)
    return described(
        **{"default": values[0], **description},
        read=lambda value, name: read_choice(value, name, values),
        choices=choices,
        restricted=True,
    )


def flag(*, default: bool, **description: Any) -> Any:
    """A field that is true or false."""
    return described(
        default=default,
        read=read_flag,
        spell=lambda value: "" if value == default else str(value).lower(),
        choices=(Choice("true", _("Yes")), Choice("false", _("No"))),
        types=("boolean", "string"),
        **description,
    )


def described_fields(cls: type) -> Iterable[Field]:
    """The fields of a Recipe class in the order of their declaration."""
    for field in dataclasses.fields(cls):
        yield dataclasses.replace(field.metadata[_KEY], name=field.name)

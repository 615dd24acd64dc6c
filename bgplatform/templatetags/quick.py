"""Fast template tags for what a page repeats hundreds of times: icons and the URLs of rows.

`{% include %}` and `{% url %}` cost more than the rest of a card; these tags cache the constant part.
"""

from __future__ import annotations

from functools import cache
from typing import Final
from uuid import UUID

from django import template
from django.template.base import FilterExpression, Node, Parser, Token
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse

register = template.Library()

NIL_UUID: Final = UUID(int=0)


class IconNode(Node):
    """Renders `_icon.html` for one name."""

    def __init__(self, name: str, extra: str) -> None:
        self.name, self.extra = name, extra

    def render(self, context: Context) -> str:
        """Renders as the include would, from the cache."""
        return _icon(self.name, self.extra)


@cache
def _icon(name: str, extra: str) -> str:
    return render_to_string("_icon.html", {"name": name, "extra": extra}).rstrip("\n")


class AddressNode(Node):
    """The URL of a row whose pattern takes one UUID."""

    def __init__(self, name: str, pk: FilterExpression) -> None:
        self.name, self.pk = name, pk

    def render(self, context: Context) -> str:
        """Renders as `{% url %}` would, with a cached pattern."""
        before, after = _url_parts(self.name, get_script_prefix())
        pk = self.pk.resolve(context)
        # Only a UUID may enter the markup.
        return f"{before}{pk if isinstance(pk, UUID) else UUID(str(pk))}{after}"


@cache
def _url_parts(name: str, prefix: str) -> tuple[str, str]:
    """Returns the parts of the URL before and after the id."""
    before, after = reverse(name, args=[NIL_UUID]).split(str(NIL_UUID))
    return before, after


@register.tag
def icon(parser: Parser, token: Token) -> IconNode:
    """`{% icon "delete" %}`, `{% icon "alert" "card__blank" %}`: quoted words, no variables."""
    name, extra = ([bit.strip("\"'") for bit in token.split_contents()[1:]] + [""])[:2]
    return IconNode(name, extra)


@register.tag
def address(parser: Parser, token: Token) -> AddressNode:
    """`{% address "jobs:preview" picture.id %}`."""
    _, name, pk = token.split_contents()
    return AddressNode(name.strip("\"'"), parser.compile_filter(pk))

"""Tags for what stands hundreds of times on a page: icons and the addresses of rows.

An include or `{% url %}` costs more than all else in a card; these look their unchanging part up once.
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

NOBODY: Final = UUID(int=0)


class IconNode(Node):
    """The markup of `_icon.html` for one name."""

    def __init__(self, name: str, extra: str) -> None:
        self.name, self.extra = name, extra

    def render(self, context: Context) -> str:
        """As the include, without the include."""
        return _icon(self.name, self.extra)


@cache
def _icon(name: str, extra: str) -> str:
    return render_to_string("_icon.html", {"name": name, "extra": extra}).rstrip("\n")


class AddressNode(Node):
    """The address of a row whose pattern has one UUID."""

    def __init__(self, name: str, pk: FilterExpression) -> None:
        self.name, self.pk = name, pk

    def render(self, context: Context) -> str:
        """As `{% url %}`, with the pattern looked up once."""
        before, after = _around(self.name, get_script_prefix())
        pk = self.pk.resolve(context)
        # Nothing but an id gets into the markup.
        return f"{before}{pk if isinstance(pk, UUID) else UUID(str(pk))}{after}"


@cache
def _around(name: str, prefix: str) -> tuple[str, str]:
    """What stands before and after the id in an address."""
    before, after = reverse(name, args=[NOBODY]).split(str(NOBODY))
    return before, after


@register.tag
def icon(parser: Parser, token: Token) -> IconNode:
    """`{% icon "delete" %}`, `{% icon "alert" "card__blank" %}`: words in quotes, no variables."""
    name, extra = ([bit.strip("\"'") for bit in token.split_contents()[1:]] + [""])[:2]
    return IconNode(name, extra)


@register.tag
def address(parser: Parser, token: Token) -> AddressNode:
    """`{% address "jobs:preview" picture.id %}`."""
    _, name, pk = token.split_contents()
    return AddressNode(name.strip("\"'"), parser.compile_filter(pk))

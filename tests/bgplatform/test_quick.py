"""The fast tags render the same as `{% include %}` and `{% url %}`."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.urls import reverse


def rendered(text: str, **values: object) -> str:
    return Template("{% load quick %}" + text).render(Context(values))


def test_icon_renders_like_the_include() -> None:
    alone = render_to_string("_icon.html", {"name": "delete"})
    assert rendered('{% icon "delete" %}') == alone.rstrip("\n")
    with_class = render_to_string("_icon.html", {"name": "alert", "extra": "card__blank"})
    assert rendered('{% icon "alert" "card__blank" %}') == with_class.rstrip("\n")
    assert "card__blank" in with_class


@pytest.mark.parametrize("name", ["preview", "result", "thumb"])
def test_address_renders_like_url(name: str) -> None:
    pk = uuid4()
    wanted = reverse(f"jobs:{name}", args=[pk])
    assert rendered(f'{{% address "jobs:{name}" pk %}}', pk=pk) == wanted
    assert rendered(f'{{% address "jobs:{name}" pk %}}', pk=str(pk)) == wanted


@pytest.mark.parametrize("pk", ['"><script>', "", None])
def test_address_refuses_other_values_than_ids(pk: object) -> None:
    with pytest.raises(ValueError, match="badly formed"):
        rendered('{% address "jobs:thumb" pk %}', pk=pk)

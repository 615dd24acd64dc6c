"""Presets."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from jobs.models import Preset
from segmentation.recipe import PRESETS
from tests.jobs.api.program import Program

pytestmark = pytest.mark.django_db


def test_own_and_built_in_presets(program: Program, stranger: User) -> None:
    saved = program.ask("put", "presets/my-shop/", {"recipe": {"background": "#eee"}, "title": "My shop"})
    assert saved.status_code == 201
    assert saved.json()["recipe"]["background"] == {"kind": "colour", "colour": "#eeeeee"}
    changed = program.ask("put", "presets/my-shop/", {"recipe": {"format": "webp"}})
    assert (changed.status_code, changed.json()["title"]) == (200, "my-shop")
    names = [preset["name"] for preset in program.get("presets/").json()["results"]]
    assert names == [*PRESETS, "my-shop"]
    assert program.get("presets/my-shop/").json() == changed.json()
    assert program.get("presets/sticker/").json()["built_in"] is True
    other = Program(stranger)
    assert other.get("presets/my-shop/").status_code == 404
    assert other.ask("delete", "presets/my-shop/").status_code == 404
    assert program.ask("delete", "presets/my-shop/").status_code == 204
    assert not Preset.objects.exists()


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("sticker", {"recipe": {}}, "name_taken"),
        ("My-Shop", {"recipe": {}}, "invalid_name"),
        ("x" * 65, {"recipe": {}}, "invalid_name"),
        ("mine", {"recipe": {"format": "gif"}}, "invalid_format"),
        ("mine", {"recipe": {"model": "nope"}}, "invalid_model"),
        ("mine", {}, "required"),
        ("mine", {"recipe": None}, "null"),
    ],
)
def test_invalid_presets(program: Program, name: str, body: Any, code: str) -> None:
    refused = program.ask("put", f"presets/{name}/", body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert not Preset.objects.exists()
    assert program.ask("delete", "presets/sticker/").status_code == 404


def test_at_most_a_hundred_presets(program: Program, user: User) -> None:
    Preset.objects.bulk_create(Preset(user=user, name=f"p{n}", title="", recipe={}) for n in range(100))
    refused = program.ask("put", "presets/another/", {"recipe": {}})
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_presets")
    assert program.ask("put", "presets/p7/", {"recipe": {}}).status_code == 200

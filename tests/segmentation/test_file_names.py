"""Names of results: the rule shared by the site and the command line."""

from __future__ import annotations

import os

import pytest

from segmentation import file_names
from segmentation.cli.targets import result_name


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [("abc", 3, "abc"), ("abc", 2, "ab"), ("äb", 1, ""), ("äb", 2, "ä"), ("🐈x", 4, "🐈"), ("", 0, "")],
)
def test_truncation_keeps_characters_whole(text: str, most: int, kept: str) -> None:
    assert file_names.cut(text, most) == kept


def test_a_name_that_is_not_utf8_is_shortened() -> None:
    name = os.fsdecode(b"\xff" * 250 + b".jpg")
    assert len(os.fsencode(result_name(name, "webp"))) == 255  # 250 bytes and ".webp"
    name = os.fsdecode(b"\xff" * 251 + b".jpg")
    assert len(os.fsencode(result_name(name, "webp"))) <= 240


@pytest.mark.parametrize(
    ("name", "extension", "result"),
    [
        ("a" * 251 + ".jpg", "png", "a" * 251 + ".png"),
        ("a" * 251 + ".jpg", "webp", "a" * 236 + ".webp"),
        ("é" * 125 + ".jpg", "avif", "é" * 125 + ".avif"),
        ("é" * 127, "png", "é" * 120 + ".png"),
    ],
)
def test_only_names_that_do_not_fit_are_shortened(name: str, extension: str, result: str) -> None:
    assert result_name(name, extension) == result

"""Large results: bounded, one at a time, encoded with bounded effort."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from segmentation import large, result_size
from segmentation.canvas import place
from segmentation.encode import encode, files
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe


def recipe(**fields: object) -> Recipe:
    return Recipe.parse(fields)


def test_a_result_is_limited_or_as_large_as_its_source() -> None:
    assert place(100, 100, (0, 0, 100, 100), recipe(size="200x100"), 20_000).canvas == (200, 100)
    with pytest.raises(RecipeError) as refused:
        place(100, 100, (0, 0, 100, 100), recipe(size="201x100"), 20_000)
    assert refused.value.code == "result_too_large"
    assert place(300, 300, (0, 0, 9, 9), Recipe(), 20_000).canvas == (300, 300)
    assert place(300, 300, (0, 0, 9, 9), recipe(size="200x200"), 20_000).canvas == (200, 200)


@pytest.mark.parametrize(
    ("source", "fields", "is_large"),
    [
        ((4000, 3000), {}, False),
        ((8000, 6000), {}, True),
        ((8000, 6000), {"size": "12MP"}, False),
        ((640, 480), {"size": "10000x5000"}, True),
        ((640, 480), {"size": "6000x"}, True),
        ((640, 480), {"size": "6000x", "crop": True}, True),
        ((640, 480), {"size": "800x", "crop": True}, False),
        ((640, 480), {"crop": True, "crop_margin": "100%"}, False),
        ((640, 480), {"crop": True, "crop_margin": "5000px"}, True),
    ],
)
def test_may_be_large(source: tuple[int, int], fields: dict[str, Any], is_large: bool) -> None:
    assert large.may_be_large(*source, recipe(**fields)) is is_large


def test_large_results_are_serialised_and_others_run_in_parallel() -> None:
    poster, plain = recipe(size="10000x5000"), Recipe()
    inside, most = 0, 0
    lock = threading.Lock()
    together = threading.Barrier(3)

    def make_large(_: int) -> None:
        nonlocal inside, most
        with large.large_result_lock(640, 480, poster):
            with lock:
                inside += 1
                most = max(most, inside)
            # Each time, two small ones are rendered meanwhile.
            together.wait(timeout=30)
            with lock:
                inside -= 1

    def make_others(_: int) -> None:
        for _ in range(4):
            with large.large_result_lock(640, 480, plain):
                together.wait(timeout=30)

    with ThreadPoolExecutor(6) as pool:
        every = [pool.submit(make_large, number) for number in range(4)]
        every += [pool.submit(make_others, number) for number in range(2)]
        for one in every:
            one.result(timeout=60)
    assert most == 1


def test_a_large_avif_is_encoded_with_bounded_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    alpha = np.full((48, 64), 255, np.uint8)
    seen: list[dict[str, Any]] = []
    save = files.Image.Image.save
    monkeypatch.setattr(
        files.Image.Image, "save", lambda self, *args, **options: seen.append(options) or save(self, *args)
    )
    for most in (48 * 64, 48 * 64 - 1):
        monkeypatch.setattr(files, "LARGE_PIXELS", most)
        encode(rgb, alpha, "avif", quality=100)
        encode(rgb, alpha, "webp", quality=100)
    assert seen == [
        {"quality": 100, "speed": 9},
        {"quality": 100, "method": 2},
        {"quality": 90, "speed": 10},
        {"quality": 100, "method": 0},
    ]


def test_the_expected_size_matches_the_layout() -> None:
    for fields in ({}, {"size": "0.5MP"}, {"size": "300x"}, {"size": "x77"}, {"size": "300x200"}):
        wanted = recipe(**fields)
        assert result_size.expected(1200, 900, wanted) == place(1200, 900, (5, 5, 9, 9), wanted).canvas

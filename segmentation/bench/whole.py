"""Benchmarks one photo end to end: JPEG bytes to PNG bytes, and the time of each stage."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from segmentation.bench.photos import jpeg_of
from segmentation.bench.rembg import Rembg
from segmentation.bench.rounds import compare
from segmentation.compose import compose
from segmentation.encode import encode
from segmentation.pictures import Limits, decode
from segmentation.pipeline import Pipeline
from segmentation.recipe import Recipe
from segmentation.refine import refine
from segmentation.shrink import network_input, quantised, stretch

STAGES = ("decode", "shrink", "network", "refine", "colours", "encode")
LIMITS = Limits(max_bytes=1 << 40, max_pixels=1 << 40, max_side=1 << 20)


def stages(pipeline: Pipeline, jpeg: bytes, level: str, rounds: int) -> dict[str, float]:
    """Returns the median milliseconds of each stage for one photo."""
    recipe = Recipe(model=pipeline.predictor.model, refine=level)
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        timestamps = [time.perf_counter()]
        picture = decode(jpeg, LIMITS)
        rgb = picture.rgb
        timestamps.append(time.perf_counter())
        entry = network_input(rgb, recipe.shrink, picture.half_size)
        timestamps.append(time.perf_counter())
        raw = pipeline.predictor.raw(entry[None])[0]
        timestamps.append(time.perf_counter())
        matte = refine(quantised(stretch(raw)), rgb, level, picture.half_size)
        timestamps.append(time.perf_counter())
        colours, alpha = compose(rgb, matte, recipe, None, picture.half_size, in_place=True)
        timestamps.append(time.perf_counter())
        encode(colours, alpha, "png")
        timestamps.append(time.perf_counter())
        for name, start, end in zip(STAGES, timestamps, timestamps[1:], strict=False):
            taken.setdefault(name, []).append(1000 * (end - start))
    return {name: float(np.median(times)) for name, times in taken.items()}


def measure(
    pipeline: Pipeline, photo: Path, sizes: list[float], rounds: int, rembg: Rembg | None
) -> list[dict[str, object]]:
    """Returns a row for each size and level of refinement: ratio to rembg, milliseconds, each stage's
    share."""
    rows: list[dict[str, object]] = []
    for megapixels in sizes:
        jpeg = jpeg_of(photo, megapixels)

        def cut(level: str, jpeg: bytes = jpeg) -> int:
            recipe = Recipe(model=pipeline.predictor.model, refine=level)
            return len(pipeline.file(pipeline.segment(jpeg, recipe), recipe, in_place=True).data)

        contenders: dict[str, Callable[[], object]] = {
            "off": partial(cut, "off"),
            "fast": partial(cut, "fast"),
        }
        if rembg is not None:
            contenders["rembg"] = partial(rembg, jpeg)
        timed = compare(contenders, rounds, f"{megapixels:g} megapixels")
        for name, timing in timed.items():
            row: dict[str, object] = {"megapixels": megapixels, "way": name, "ms": timing.wall}
            if rembg is not None:
                row["ratio"] = timed["rembg"].wall / timing.wall
            if name != "rembg":
                row["stages"] = stages(pipeline, jpeg, name, rounds)
            rows.append(row)
    return rows

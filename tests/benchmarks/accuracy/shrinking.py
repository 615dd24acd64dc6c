"""Compares the downscaling methods to 320×320 by the map they give, on original pictures and enlarged to 12
megapixels.

Enlarging adds no detail, so plain sampling has nothing to alias there. A second set of enlarged pictures gets
grain (σ = 20 of 255, one pixel fine, like a large sensor's noise), which a real large photo adds to the same
subject.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from segmentation import shrink
from segmentation.evaluation.dataset import DataSet
from segmentation.evaluation.report import DECIMALS, markdown, number
from segmentation.evaluation.scores import PairScores, SetScores, average, score
from segmentation.predictor import Predictor
from segmentation.refine import refine

Rgb = NDArray[np.uint8]
MEGAPIXELS = 12.0
GRAIN = 20.0
SIZES = ("as they are", "12 MP", "12 MP with grain")
WAYS = tuple(way for way in shrink.SHRINK_METHODS if way != "auto")

Shrunk = dict[tuple[str, str], tuple[list[PairScores], list[float]]]  # by size and method: scores, seconds


def enlarged(rgb: Rgb) -> Rgb:
    """Returns the picture at 12 megapixels, by cubic interpolation."""
    height, width = rgb.shape[:2]
    factor = (MEGAPIXELS * 1e6 / (height * width)) ** 0.5
    size = (round(width * factor), round(height * factor))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def grained(rgb: Rgb, seed: int) -> Rgb:
    """Adds independent noise to each pixel, the same in each channel."""
    dice = np.random.default_rng(seed)
    noise = dice.standard_normal(rgb.shape[:2], np.float32) * np.float32(GRAIN)
    return np.clip(rgb + noise[:, :, None], 0, 255).astype(np.uint8)


def versions(rgb: Rgb, seed: int) -> dict[str, Callable[[], Rgb]]:
    """Returns functions that make the picture in each of SIZES."""
    return {
        SIZES[0]: lambda: rgb,
        SIZES[1]: lambda: enlarged(rgb),
        SIZES[2]: lambda: grained(enlarged(rgb), seed),
    }


def measure(dataset: DataSet, predictor: Predictor) -> Shrunk:
    """Scores the unrefined map of each picture, in each size, by each method, at the size of its truth."""
    found: Shrunk = {(size, way): ([], []) for size in SIZES for way in WAYS}
    for seed, pair in enumerate(tqdm(dataset.pairs, desc="shrinking", unit="picture")):
        with Image.open(pair.picture) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        truth = pair.read_truth(*rgb.shape[:2])
        for size, make in versions(rgb, seed).items():
            large = make()
            for way in WAYS:
                begin = perf_counter()
                given = shrink.network_input(large, way)
                seconds = perf_counter() - begin
                coarse = shrink.stretch(predictor.raw(given[None])[0])
                judged = score(refine(coarse, rgb, "off"), truth, pair.truth, stem=pair.stem, part=pair.part)
                scores, times = found[size, way]
                scores.append(judged)
                times.append(seconds)
    return found


def report(found: Shrunk) -> str:
    """Returns a row for each size and method, means over all binary and all soft truths, as Markdown."""
    names = {"binary": ("maxF", "MAE", "Sm", "relaxF"), "soft": ("IoU", "SAD")}
    head = ["pictures", "n", "way", "ms", *[name for several in names.values() for name in several]]
    rows = []
    for (size, way), (scores, times) in found.items():
        cells = [size, str(len(scores)), way, f"{1000 * float(np.median(times)):.1f}"]
        for kind, several in names.items():
            values = of_kind(scores, kind).values
            cells += [number(values[name], DECIMALS.get(name, 4)) for name in several]
        rows.append(cells)
    return markdown(head, rows)


def of_kind(scores: list[PairScores], kind: str) -> SetScores:
    """Returns averages over the pictures with this kind of truth."""
    return average([pair for pair in scores if pair.truth == kind], f"all {kind}")

"""Upper bounds: replaces one component at a time by the truth, on the pictures with a correct map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segmentation.evaluation.arrays import Matte, as_unit
from segmentation.evaluation.band import transition_band
from segmentation.evaluation.colour import Picture, colour_error
from segmentation.evaluation.dataset import DataSet
from segmentation.evaluation.report import markdown
from segmentation.foreground import estimate
from segmentation.refine import refine
from tests.benchmarks.accuracy.colours import read_cutout, reference

Cut = tuple[Picture, Matte]
Case = Callable[[Picture, Cut, Cut], Cut]  # takes the picture, the reference and our `fast`


def perfect(truth: Matte, level: str, rgb: Picture) -> Matte:
    """Returns the matte from a perfect map: the truth averaged down to 320×320."""
    coarse = cv2.resize(truth, (320, 320), interpolation=cv2.INTER_AREA)
    return refine(np.asarray(coarse, np.float32) / np.float32(255), rgb, level)


def _with_colours(rgb: Picture, matte: Matte) -> Cut:
    return estimate(rgb, matte), matte


CASES: dict[str, Case] = {
    "rembg": lambda _rgb, _reference, own: own,
    "fast, as shipped": lambda _rgb, _reference, own: own,
    "fast with the reference's colours": lambda _rgb, wanted, own: (wanted[0], own[1]),
    "the true alpha with our colours": lambda rgb, wanted, _own: _with_colours(rgb, wanted[1]),
    "a perfect 320×320 map, enlarged": lambda rgb, wanted, _own: _with_colours(
        rgb, perfect(wanted[1], "off", rgb)
    ),
    "a perfect 320×320 map, fast": lambda rgb, wanted, _own: _with_colours(
        rgb, perfect(wanted[1], "fast", rgb)
    ),
    "fast, corrected at the scale of the map": lambda rgb, wanted, own: _with_colours(
        rgb, within_a_cell(own[1], wanted[1])
    ),
}


def within_a_cell(matte: Matte, truth: Matte) -> Matte:
    """Returns the truth where the difference from ours is at the scale of the map, a cell or more; ours for
    finer differences.
    """
    cell = max(matte.shape) / 320

    def smooth(plane: Matte) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(plane.astype(np.float32), (0, 0), cell), np.float32)

    return np.clip(np.rint(matte + smooth(truth) - smooth(matte)), 0, 255).astype(np.uint8)


def measure(dataset: DataSet, right: tuple[str, ...], folder: Path) -> dict[str, tuple[float, float]]:
    """Returns by case the mean band error (0..1) and the mean colour error (0..255)."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
    for pair in dataset.of("soft"):
        if pair.stem not in right:
            continue
        with Image.open(pair.picture) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        wanted = reference(pair)
        truth = as_unit(wanted[1])
        where = transition_band(truth)
        for name, case in CASES.items():
            own = read_cutout(folder / ("rembg" if name == "rembg" else "ours-fast") / f"{pair.stem}.png")
            cut = case(rgb, wanted, own)
            band = float(np.mean(np.abs(as_unit(cut[1]) - truth)[where]))
            found[name].append((band, colour_error(cut, wanted, where)))
    return {
        name: (float(np.mean([band for band, _ in several])), float(np.mean([shade for _, shade in several])))
        for name, several in found.items()
    }


def report(found: dict[str, tuple[float, float]]) -> str:
    """Returns the cases, and how far each is below rembg, as Markdown."""
    band, shade = found["rembg"]
    rows = [
        [name, f"{own[0]:.4f}", f"{1 - own[0] / band:.0%}", f"{own[1]:.2f}", f"{1 - own[1] / shade:.0%}"]
        for name, own in found.items()
    ]
    return markdown(["what", "band", "below rembg", "colour", "below rembg"], rows)

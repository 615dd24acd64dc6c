"""Colours: the contenders' cut-outs on red, green and blue against pymatting's foreground from the true
alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.evaluation.arrays import Matte, as_unit
from segmentation.evaluation.band import transition_band
from segmentation.evaluation.colour import Picture, colour_error
from segmentation.evaluation.dataset import DataSet, Pair
from segmentation.evaluation.report import markdown
from tests.benchmarks.accuracy.verdict import Verdict, below


@dataclass(frozen=True, slots=True)
class Colours:
    """Mean error of each picture, 0..255, in the transition band, by contender."""

    errors: dict[str, dict[str, float]]

    def mean(self, key: str) -> float:
        """Returns a contender's mean over the pictures."""
        return float(np.mean([errors[key] for errors in self.errors.values()]))


def read_cutout(file: Path) -> tuple[Picture, Matte]:
    """Returns colours (H×W×3 uint8) and alpha (H×W uint8) as stored in the PNG."""
    with Image.open(file) as picture:
        stored = np.asarray(picture.convert("RGBA"))
    return stored[:, :, :3], stored[:, :, 3]


def reference(pair: Pair) -> tuple[Picture, Matte]:
    """Returns the cut-out from the true alpha: Germer et al., "Fast multi-level foreground estimation", ICPR
    2020.
    """
    from pymatting import estimate_foreground_ml  # importing numba takes seconds

    with Image.open(pair.picture) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    truth = pair.read_truth(*rgb.shape[:2])
    foreground = estimate_foreground_ml(rgb / 255.0, truth / 255.0)
    return np.clip(np.rint(foreground * 255), 0, 255).astype(np.uint8), truth


def measure(dataset: DataSet, right: tuple[str, ...], folder: Path, keys: tuple[str, ...]) -> Colours:
    """Returns the colour errors of the cut-outs in `folder/<key>/` on the pictures listed in `right`."""
    errors: dict[str, dict[str, float]] = {}
    for pair in dataset.of("soft"):
        if pair.stem not in right:
            continue
        wanted = reference(pair)
        where = transition_band(as_unit(wanted[1]))
        errors[pair.stem] = {
            key: colour_error(read_cutout(folder / key / f"{pair.stem}.png"), wanted, where) for key in keys
        }
    return Colours(errors)


def report(colours: Colours, labels: dict[str, str]) -> str:
    """Returns each picture's errors and the means, as Markdown."""
    keys = list(next(iter(colours.errors.values())))
    rows = [[stem, *[f"{found[key]:.2f}" for key in keys]] for stem, found in colours.errors.items()]
    rows.append(["**mean**", *[f"**{colours.mean(key):.2f}**" for key in keys]])
    return markdown(["picture", *[labels[key] for key in keys]], rows)


def verdicts(colours: Colours) -> list[Verdict]:
    """Compares ours with rembg's plain cut-out."""
    theirs = colours.mean("rembg")
    return [
        below(f"colour error, {level} against rembg", colours.mean(f"ours-{level}"), theirs, 0.40)
        for level in ("fast", "best")
    ]

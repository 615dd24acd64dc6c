"""The pictures used to choose the constants of `fast`: a part of the network's own training set, rotated.

The network has memorised these pictures (relaxed boundary F .99), so there is nothing to refine. Rotated,
zoomed, recoloured and with noise it errs on them as on new ones. One half is scored as transformed. For the
other half the map is rotated back and scored on the original picture, whose pixels are crisp.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from segmentation.evaluation.dataset import DataSet
from segmentation.evaluation.report import tables
from segmentation.evaluation.scores import PairScores, SetScores, average, score
from segmentation.predictor import Predictor
from segmentation.refine import refine
from segmentation.shrink import network_input, quantised, stretch

Rgb = NDArray[np.uint8]
Matte = NDArray[np.uint8]
Map = NDArray[np.float32]
HALVES = ("turned", "turned back")
LEVELS = ("off", "fast")


def turn(shape: tuple[int, ...], zoom: tuple[float, float], dice: np.random.Generator) -> NDArray[np.float64]:
    """Returns a rotation by 15 to 40 degrees in either direction around the centre, and a zoom within these
    bounds.
    """
    angle = dice.uniform(15, 40) * dice.choice([-1, 1])
    return np.asarray(cv2.getRotationMatrix2D((shape[1] / 2, shape[0] / 2), angle, dice.uniform(*zoom)))


def recoloured(rgb: Rgb, dice: np.random.Generator) -> Rgb:
    """Applies another gamma, another white point and some noise."""
    unit = (rgb / 255) ** dice.uniform(0.6, 1.6) * dice.uniform(0.6, 1.4, 3)
    noisy = np.clip(unit, 0, 1) * 255 + dice.normal(0, dice.uniform(0, 6), rgb.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def warped(
    plane: NDArray[np.generic], way: NDArray[np.float64], flags: int = cv2.INTER_LINEAR
) -> NDArray[np.generic]:
    """Returns the transformed plane; areas beyond its border are mirrored."""
    size = (plane.shape[1], plane.shape[0])
    return np.asarray(cv2.warpAffine(plane, way, size, flags=flags, borderMode=cv2.BORDER_REFLECT))


def cases(dataset: DataSet, predictor: Predictor) -> Iterator[tuple[str, Map, Rgb, Matte]]:
    """Yields (half, map, picture, truth) of each pair."""

    def predicted(rgb: Rgb) -> Map:
        return predictor.raw(network_input(rgb)[None])[0]

    for seed, pair in enumerate(tqdm(dataset.pairs, desc="turned", unit="picture")):
        dice = np.random.default_rng(seed)
        with Image.open(pair.picture) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        truth = pair.read_truth(*rgb.shape[:2])
        if seed % 2 == 0:
            way = turn(rgb.shape, (0.8, 1.6), dice)
            seen = recoloured(np.asarray(warped(rgb, way, cv2.INTER_CUBIC), np.uint8), dice)
            wanted = np.asarray(warped(truth, way), np.uint8)
            yield HALVES[0], quantised(stretch(predicted(seen))), seen, wanted
        else:
            way = turn(rgb.shape, (0.55, 0.8), dice)
            seen = recoloured(np.asarray(warped(rgb, way, cv2.INTER_AREA), np.uint8), dice)
            large = cv2.resize(predicted(seen), (rgb.shape[1], rgb.shape[0]))
            back = cv2.warpAffine(
                large,
                way,
                (rgb.shape[1], rgb.shape[0]),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            small = np.asarray(cv2.resize(back, (320, 320)), np.float32)
            yield HALVES[1], quantised(stretch(small)), rgb, truth


def measure(dataset: DataSet, predictor: Predictor) -> dict[tuple[str, str], list[PairScores]]:
    """Returns scores by half and level of refinement."""
    found: dict[tuple[str, str], list[PairScores]] = {
        (half, level): [] for half in HALVES for level in LEVELS
    }
    for half, coarse, rgb, truth in cases(dataset, predictor):
        for level in LEVELS:
            found[half, level].append(score(refine(coarse, rgb, level), truth, "binary"))
    return found


def report(found: dict[tuple[str, str], list[PairScores]]) -> str:
    """Returns a table of both halves, as Markdown."""
    rows = []
    for (half, level), scores in found.items():
        mean = average(scores, half)
        rows.append(SetScores(f"{half}, {level}", mean.truth, mean.pairs, mean.values))
    return tables(rows)

"""Measures the cost of a faster precision: its maps and metrics against float32's, on a whole data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from segmentation.errors import EngineError
from segmentation.evaluation.dataset import DataSet, Pair, open_dataset
from segmentation.evaluation.run import evaluate
from segmentation.evaluation.scores import LOWER_IS_BETTER, by_set
from segmentation.pictures import decode
from segmentation.predictor import Predictor
from segmentation.refine import refine
from segmentation.shrink import network_input, quantised, stretch

Maps = dict[str, NDArray[np.float32]]


def measure(model: str, data: Path, limit: int | None, device: str = "auto") -> list[dict[str, object]]:
    """Returns a row for float32 and for each precision that runs here.

    Error: mean absolute difference of the stretched maps, in 1/255, averaged over the pictures and for the
    worst one. Metrics: of the unrefined mattes over all pictures with a binary truth, and the largest drop of
    any against float32 (a negative one is a gain).
    """
    dataset = open_dataset(data, limit=limit)
    rows: list[dict[str, object]] = []
    exact: Maps = {}
    best: Mapping[str, float] = {}
    for precision in ("float32", "bfloat16", "float16", "int8"):
        try:
            predictor = Predictor(model, device, precision)
        except EngineError:
            continue  # not available on this machine
        maps, values = _run(predictor, dataset)
        if precision == "float32":
            exact, best = maps, values
        errors = {stem: float(np.abs(found - exact[stem]).mean() * 255) for stem, found in maps.items()}
        worst = max(errors, key=lambda stem: errors[stem])
        row: dict[str, object] = {"way": predictor.description, "pictures": len(errors)}
        row |= {"error_mean": float(np.mean(list(errors.values()))), "error_worst": errors[worst]}
        row |= {"worst": worst, **values}
        if values:
            row["fall"] = max(
                values[name] - best[name] if name in LOWER_IS_BETTER else best[name] - values[name]
                for name in values
            )
        rows.append(row)
    return rows


def _run(predictor: Predictor, dataset: DataSet) -> tuple[Maps, Mapping[str, float]]:
    """Returns each picture's stretched map by its stem, and the metrics over all pictures with a binary
    truth.
    """
    maps: Maps = {}

    def matte(pair: Pair) -> NDArray[np.uint8]:
        rgb = decode(pair.picture).rgb
        maps[pair.stem] = stretch(predictor.raw(network_input(rgb)[None])[0])
        return refine(quantised(maps[pair.stem]), rgb, "off")

    evaluated = evaluate(dataset, matte)
    title = predictor.description
    pairs = list(tqdm(evaluated, total=len(dataset), desc=title, unit="picture", disable=None, leave=False))
    binary = [row for row in by_set(pairs) if row.truth == "binary"]
    return maps, binary[-1].values if binary else {}

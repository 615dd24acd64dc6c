"""Soft truth: the error in the transition band, and the matting metrics, of each contender."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segmentation.evaluation.dataset import DataSet
from segmentation.evaluation.report import markdown, number, tables
from segmentation.evaluation.run import evaluate, from_folder
from segmentation.evaluation.scores import PairScores, SetScores, average
from tests.benchmarks.accuracy.verdict import Verdict, below, lower_by

RIGHT = 0.85  # minimum IoU of coarse map and truth for the edges to be worth scoring


@dataclass(frozen=True, slots=True)
class Edges:
    """Scores of each contender by key, in the order of the pictures; `right` lists those with a correct
    map."""

    scores: dict[str, list[PairScores]]
    right: tuple[str, ...]


def measure(dataset: DataSet, folder: Path, keys: tuple[str, ...]) -> Edges:
    """Scores the cut-outs in `folder/<key>/` on the pairs of the data set with soft truth.

    A coarse map is the cut-out without refinement (`ours-off`): the enlarged map of the network.
    """
    soft = dataset.of("soft")
    scores = {key: list(evaluate(soft, from_folder(folder / key))) for key in keys}
    right = tuple(pair.stem for pair in scores["ours-off"] if pair.values["IoU"] >= RIGHT)
    return Edges(scores, right)


def band(edges: Edges, key: str, stems: tuple[str, ...] | None = None) -> float:
    """Returns a contender's mean band error over these pictures, by default those with a correct map."""
    wanted = edges.right if stems is None else stems
    return float(np.mean([pair.values["band"] for pair in edges.scores[key] if pair.stem in wanted]))


def report(edges: Edges, labels: dict[str, str]) -> str:
    """Returns each picture's band error, the means, and the means of the matting metrics, as Markdown."""
    keys = list(edges.scores)
    everyone = tuple(pair.stem for pair in edges.scores[keys[0]])
    head = ["picture", "IoU of the map", *[labels[key] for key in keys]]
    rows = []
    for position, stem in enumerate(everyone):
        found = [edges.scores[key][position].values for key in keys]
        coarse = edges.scores["ours-off"][position].values["IoU"]
        rows.append([stem, number(coarse, 2), *[number(values["band"], 4) for values in found]])
    for name, stems in ((f"mean of {len(edges.right)} right", edges.right), ("mean of all", everyone)):
        rows.append([f"**{name}**", "", *[f"**{number(band(edges, key, stems), 4)}**" for key in keys]])
    means: list[SetScores] = [
        average([pair for pair in edges.scores[key] if pair.stem in edges.right], labels[key]) for key in keys
    ]
    matting = f"Matting metrics over the {len(edges.right)} pictures with a correct map:\n\n{tables(means)}"
    return f"{markdown(head, rows)}\n\n{matting}"


def verdicts(edges: Edges) -> list[Verdict]:
    """Compares `fast` with rembg, and `best` with its alpha matting, in the transition band."""
    lines = [
        below("band error, fast against rembg", band(edges, "ours-fast"), band(edges, "rembg"), 0.20),
        below("band error, best against rembg -a", band(edges, "ours-best"), band(edges, "rembg-a"), 0.10),
    ]
    gains = [
        lower_by(ours.values["band"], theirs.values["band"])
        for ours, theirs in zip(edges.scores["ours-fast"], edges.scores["rembg"], strict=True)
        if ours.stem in edges.right
    ]
    better = sum(gain > 0 for gain in gains)
    lines.append(
        Verdict(
            "pictures on which fast is better",
            "(more than half)",
            f"{better} of {len(gains)}",
            better * 2 > len(gains),
        )
    )
    return lines

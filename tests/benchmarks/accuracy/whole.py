"""Binary truth: the published metrics of each contender, with and without refinement."""

from __future__ import annotations

from pathlib import Path

from segmentation.evaluation.dataset import DataSet
from segmentation.evaluation.report import tables
from segmentation.evaluation.run import evaluate, from_folder
from segmentation.evaluation.scores import SetScores, by_set
from tests.benchmarks.accuracy.verdict import Verdict

Whole = dict[str, dict[str, SetScores]]  # by set, then by contender


def measure(dataset: DataSet, folder: Path, keys: tuple[str, ...]) -> Whole:
    """Scores the cut-outs in `folder/<key>/` on the pairs of the data set with binary truth."""
    found: Whole = {}
    for key in keys:
        for row in by_set(list(evaluate(dataset.of("binary"), from_folder(folder / key)))):
            found.setdefault(row.part, {})[key] = row
    return found


def report(whole: Whole, labels: dict[str, str]) -> str:
    """Returns one table for each set, one row for each contender."""
    parts = []
    for part, rows in whole.items():
        named = [SetScores(labels[key], row.truth, row.pairs, row.values) for key, row in rows.items()]
        parts.append(f"{part}:\n\n{tables(named)}")
    return "\n\n".join(parts)


def verdicts(whole: Whole) -> list[Verdict]:
    """Checks that `fast` is no worse than `off` in maxF, MAE and Sm, and its edges are better by .01, over
    all sets.
    """
    rows = whole["all binary"] if "all binary" in whole else next(iter(whole.values()))
    off, fast = rows["ours-off"].values, rows["ours-fast"].values
    lines = []
    for name, sign in (("maxF", 1), ("MAE", -1), ("Sm", 1)):
        gain = sign * (fast[name] - off[name])
        lines.append(
            Verdict(
                f"{name}, fast against off",
                "no worse",
                f"{fast[name]:.4f} against {off[name]:.4f}",
                gain >= 0,
            )
        )
    gain = fast["relaxF"] - off["relaxF"]
    lines.append(Verdict("relaxed boundary F, fast over off", "≥ .010 higher", f"{gain:+.4f}", gain >= 0.01))
    return lines

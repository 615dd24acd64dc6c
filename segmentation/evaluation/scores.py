"""The scores of one matte, and their averages over a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segmentation.evaluation import binary, soft
from segmentation.evaluation.arrays import Matte, as_mask, as_unit, stretched
from segmentation.evaluation.band import band_error
from segmentation.evaluation.binary import PrecisionRecall
from segmentation.evaluation.boundary import relaxed_boundary_f
from segmentation.evaluation.dataset import Truth
from segmentation.evaluation.structure import s_measure


@dataclass(frozen=True, slots=True)
class PairScores:
    """The scores of one matte: `values` by metric name, and for a binary truth its precision and recall
    curves.
    """

    stem: str
    part: str
    truth: Truth
    values: dict[str, float]
    curves: PrecisionRecall | None


@dataclass(frozen=True, slots=True)
class SetScores:
    """Averages over the pairs of one set with one kind of truth."""

    part: str
    truth: Truth
    pairs: int
    values: dict[str, float]


BINARY_METRICS = ("maxF", "MAE", "wF", "Sm", "relaxF")
SOFT_METRICS = ("SAD", "MSE", "Grad", "Conn", "band", "IoU")
LOWER_IS_BETTER = frozenset({"MAE", "SAD", "MSE", "Grad", "Conn", "band"})


def metrics_of(truth: Truth) -> tuple[str, ...]:
    """Returns the names of the metrics for a kind of truth, in the order of the tables."""
    return BINARY_METRICS if truth == "binary" else SOFT_METRICS


def score(matte: Matte, truth: Matte, kind: Truth, *, stem: str = "", part: str = "") -> PairScores:
    """Returns all metrics of one matte against its truth, both H×W uint8 of one shape.

    Against a binary truth the matte is stretched to 0..1 first, as for the published figures; against a soft
    one it is unchanged.
    """
    if kind == "soft":
        alpha, real = as_unit(matte), as_unit(truth)
        return PairScores(
            stem,
            part,
            kind,
            {
                "SAD": soft.sum_absolute_difference(alpha, real),
                "MSE": soft.mean_squared_error(alpha, real),
                "Grad": soft.gradient_error(alpha, real),
                "Conn": soft.connectivity_error(alpha, real),
                "band": band_error(alpha, real),
                "IoU": binary.intersection_over_union(alpha, real),
            },
            None,
        )
    predicted, mask = stretched(matte), as_mask(truth)
    curves = binary.precision_recall(predicted, mask)
    return PairScores(
        stem,
        part,
        kind,
        {
            "maxF": float(binary.f_curve(*curves).max()),
            "MAE": binary.mean_absolute_error(predicted, mask),
            "wF": binary.weighted_f(predicted, mask),
            "Sm": s_measure(predicted, mask),
            "relaxF": relaxed_boundary_f(predicted, mask),
        },
        curves,
    )


def average(pairs: Sequence[PairScores], part: str) -> SetScores:
    """Averages pairs with one kind of truth. Raises ValueError for none, or for two kinds.

    maxF follows the paper: precision and recall are averaged over the set at each threshold, then the best F
    is taken (the mean of each picture's own best, as in `PairScores.values`, would be higher, the best of the
    mean F lower). The band error is averaged over the pairs that have a transition band.
    """
    kinds = {pair.truth for pair in pairs}
    if len(kinds) != 1:
        raise ValueError("averages are taken over pairs with one kind of truth")
    (kind,) = kinds
    values: dict[str, float] = {}
    for name in metrics_of(kind):
        numbers = np.array([pair.values[name] for pair in pairs])
        numbers = numbers[~np.isnan(numbers)]
        values[name] = float(numbers.mean()) if numbers.size else float("nan")
    curves = [pair.curves for pair in pairs if pair.curves is not None]
    if curves:
        precision = np.mean([curve.precision for curve in curves], axis=0)
        recall = np.mean([curve.recall for curve in curves], axis=0)
        values["maxF"] = float(binary.f_curve(precision, recall).max())
    return SetScores(part, kind, len(pairs), values)


def by_set(pairs: Sequence[PairScores]) -> list[SetScores]:
    """Returns one row for each set in the order of the pairs, and one over all sets with the same kind of
    truth if there are several.
    """
    rows = []
    for kind in ("binary", "soft"):
        of_kind = [pair for pair in pairs if pair.truth == kind]
        parts = list(dict.fromkeys(pair.part for pair in of_kind))
        rows += [average([pair for pair in of_kind if pair.part == part], part) for part in parts]
        if len(parts) > 1:
            rows.append(average(of_kind, f"all {kind}"))
    return rows

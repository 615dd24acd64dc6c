"""Formats scores as tables for people (Markdown, readable as plain text) and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from segmentation.evaluation.scores import LOWER_IS_BETTER, PairScores, SetScores, metrics_of

DECIMALS = {"SAD": 2, "Grad": 2, "Conn": 2, "MSE": 4}


def number(value: float, decimals: int = 3) -> str:
    """Formats a figure as papers print it: `.873`, `12.31`, `–` if there is none."""
    if math.isnan(value):
        return "–"
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("0.") else text


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table with padded columns, the first left-aligned, the others right-aligned."""
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([line(cells[0]), "| " + " | ".join(rule) + " |", *[line(row) for row in cells[1:]]])


def tables(rows: Sequence[SetScores]) -> str:
    """Returns one table for each kind of truth present; arrows show which direction is better."""
    parts = []
    for kind in ("binary", "soft"):
        of_kind = [row for row in rows if row.truth == kind]
        if not of_kind:
            continue
        names = metrics_of(of_kind[0].truth)
        head = [
            f"{kind} truth",
            "pictures",
            *[f"{name} {'↓' if name in LOWER_IS_BETTER else '↑'}" for name in names],
        ]
        body = [
            [row.part, str(row.pairs), *[number(row.values[name], DECIMALS.get(name, 3)) for name in names]]
            for row in of_kind
        ]
        parts.append(markdown(head, body))
    return "\n\n".join(parts)


def as_json(
    rows: Sequence[SetScores], pairs: Sequence[PairScores], about: Mapping[str, object]
) -> dict[str, object]:
    """Returns a report that json can serialise: `about` (how it was made), `sets` (the averages) and
    `pictures` (each one's own scores).

    A missing figure (a band error without a band) is null.
    """
    return {
        **about,
        "sets": [
            {"set": row.part, "truth": row.truth, "pictures": row.pairs, **_finite(row.values)}
            for row in rows
        ],
        "pictures": [
            {"id": pair.stem, "set": pair.part, "truth": pair.truth, **_finite(pair.values)} for pair in pairs
        ],
    }


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}

"""Formats rows of figures as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

Row = dict[str, object]


def table(rows: Sequence[Row]) -> str:
    """Returns a Markdown table; the ratio, if any, is the first column."""
    names = sorted(
        {name for row in rows for name in row}, key=lambda name: (name != "ratio", _place(rows, name))
    )
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return "\n".join(lines + [f"| {' | '.join(cell(row.get(name)) for name in names)} |" for row in rows])


def _place(rows: Sequence[Row], name: str) -> int:
    return max(list(row).index(name) for row in rows if name in row)


def cell(value: object) -> str:
    """Formats a figure with three digits, a mapping as its named parts, and None as an empty cell."""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {cell(part)}" for name, part in value.items())
    return "" if value is None else str(value)

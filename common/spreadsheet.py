"""CSV files that spreadsheets open."""

from __future__ import annotations

# Characters that start a formula or command in some spreadsheet, with their full-width forms (OWASP).
FORMULA_STARTS = "=+-@|%＝＋－＠｜％"
CONTROLS = ("\t", "\r", "\n")


def escape_formula(cell: str) -> str:
    """Escapes a cell that a spreadsheet may take for a formula. Some skip blanks and quotes first."""
    start = cell.lstrip().lstrip("'\"").lstrip()[:1]
    return f"'{cell}" if (start and start in FORMULA_STARTS) or cell[:1] in CONTROLS else cell

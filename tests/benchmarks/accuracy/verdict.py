"""What was to be shown, what was found, and whether that is enough."""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.evaluation.report import markdown


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the first table."""

    what: str
    wanted: str
    found: str
    holds: bool


def lower_by(ours: float, theirs: float) -> float:
    """How far our error lies below theirs, as a share of theirs; negative where it is above."""
    return 1 - ours / theirs


def below(what: str, ours: float, theirs: float, wanted: float) -> Verdict:
    """An error of ours that is to lie at least the share `wanted` below theirs."""
    share = lower_by(ours, theirs)
    found = f"{abs(share):.1%} {'lower' if share >= 0 else 'higher'}"
    return Verdict(what, f"≥ {wanted:.0%} lower", found, share >= wanted)


def table(verdicts: list[Verdict]) -> str:
    """All of them as Markdown."""
    rows = [[line.what, line.wanted, line.found, "yes" if line.holds else "**no**"] for line in verdicts]
    return markdown(["figure", "wanted", "found", "holds"], rows)

"""Targets, results, and whether each target is met."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from segmentation.evaluation.report import markdown


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of the first table."""

    what: str
    wanted: str
    found: str
    holds: bool


def lower_by(ours: float, theirs: float) -> float:
    """Returns how far our error is below theirs, as a share of theirs; negative if it is above."""
    return 1 - ours / theirs


def below(what: str, ours: float, theirs: float, wanted: float) -> Verdict:
    """Returns the verdict for an error of ours whose target is at least the share `wanted` below theirs."""
    share = lower_by(ours, theirs)
    found = f"{abs(share):.1%} {'lower' if share >= 0 else 'higher'}"
    return Verdict(what, f"≥ {wanted:.0%} lower", found, share >= wanted)


def table(verdicts: list[Verdict]) -> str:
    """Returns all of them as Markdown."""
    rows = [[line.what, line.wanted, line.found, "yes" if line.holds else "**no**"] for line in verdicts]
    return markdown(["figure", "wanted", "found", "holds"], rows)


PARTS = ("edges", "colours", "whole", "times")  # the parts with verdicts, in the table's order


@dataclass
class Measured:
    """Verdicts by part, each with date and conditions: parts may be measured in several runs."""

    parts: dict[str, tuple[str, list[Verdict]]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Measured:
        """Reads the results of earlier runs; empty if there is no such file."""
        if not file.is_file():
            return cls()
        stored = json.loads(file.read_text(encoding="utf-8")).get("parts", {})
        return cls(
            {
                part: (one["how"], [Verdict(**line) for line in one["verdicts"]])
                for part, one in stored.items()
            }
        )

    def put(self, part: str, verdicts: list[Verdict], how: str) -> None:
        """Replaces a part's verdicts by new ones."""
        self.parts[part] = (f"{datetime.now(UTC):%Y-%m-%d}. {how}", verdicts)

    def write(self, file: Path) -> None:
        """Saves them for later runs."""
        stored = {
            part: {"how": how, "verdicts": [asdict(line) for line in lines]}
            for part, (how, lines) in self.parts.items()
        }
        file.write_text(json.dumps({"parts": stored}, indent=1) + "\n", encoding="utf-8")

    def verdicts(self) -> list[Verdict]:
        """Returns all verdicts in the table's order."""
        return [line for part in PARTS for line in self.parts.get(part, ("", []))[1]]

    def report(self) -> str:
        """Returns the table, followed by the conditions of each part."""
        hows: dict[str, list[str]] = {}
        for part in PARTS:
            if part in self.parts:
                hows.setdefault(self.parts[part][0], []).append(part)
        notes = [f"{', '.join(parts).capitalize()}: {how}" for how, parts in hows.items()]
        return "\n\n".join([table(self.verdicts()), *notes])

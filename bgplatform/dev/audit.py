"""Looks up the pinned packages in the registry's list of known vulnerabilities, with pip-audit.

Where the registry does not answer, as without a network, it says so and succeeds: what cannot be looked up is
not wrong. One package is asked about first, so that this takes a second and not a timeout for each package.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
# Everything that a server runs. Not torch: its local builds have versions of their own.
PINNED: Final = ROOT / "requirements.txt"
PROBE: Final = "django=="
PROBE_SECONDS: Final = 5
SECONDS: Final = 30
# Vulnerabilities that do not concern us, by number, each with the reason.
IGNORED: Final[dict[str, str]] = {}


@dataclass(frozen=True)
class Answer:
    """What the registry said. checked: packages that it knows. vulnerable: a line for each finding."""

    checked: int
    vulnerable: list[str]


def pins(path: Path) -> list[str]:
    """Returns the lines of a requirements file that pin a package."""
    return [line for line in path.read_text().splitlines() if "==" in line and not line.startswith("#")]


def ask(lines: list[str], seconds: int) -> Answer | None:
    """Returns the answer about these pinned packages; None where there was none in time."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines))
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "-r", file.name, "--disable-pip", "--no-deps"]
        command += ["--timeout", "3", "--progress-spinner", "off", "--format", "json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return None
    try:
        return read(json.loads(done.stdout))
    except ValueError:
        return None  # pip-audit reports a network error in words


def read(report: dict[str, list[dict[str, object]]]) -> Answer:
    """Returns what a report of pip-audit says."""
    checked, vulnerable = 0, []
    for package in report["dependencies"]:
        found = package.get("vulns")
        if not isinstance(found, list):
            continue  # it was skipped: the registry did not know it
        checked += 1
        for one in found:
            if one["id"] not in IGNORED:
                fixed = ", ".join(one["fix_versions"]) or "no version"
                vulnerable.append(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    return Answer(checked, vulnerable)


def main() -> int:
    """Ask about all pinned packages. Returns 1 where one is known to be vulnerable."""
    lines = pins(PINNED)
    probe = ask([line for line in lines if line.lower().startswith(PROBE)], PROBE_SECONDS)
    answer = ask(lines, SECONDS) if probe is not None and probe.checked else None
    if answer is None or not answer.checked:
        sys.stdout.write("pip-audit: not checked, because the registry does not answer\n")
        return 0
    for line in answer.vulnerable:
        sys.stdout.write(f"pip-audit: {line}\n")
    sys.stdout.write(
        f"pip-audit: {answer.checked} packages, {len(answer.vulnerable)} known vulnerabilities\n"
    )
    return 1 if answer.vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())

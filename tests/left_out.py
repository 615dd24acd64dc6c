"""Loaded by pyproject.toml: says at the end what this machine could not test, reason by reason."""

from __future__ import annotations

from collections import Counter

import pytest


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped, without where."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the skipped tests by reason; say so, too, where nothing was left out."""
    reasons = Counter(reason(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.section("left out here")
    if not reasons:
        terminalreporter.write_line("nothing")
    for why, count in reasons.most_common():
        terminalreporter.write_line(f"{count} test{'' if count == 1 else 's'}: {why}")

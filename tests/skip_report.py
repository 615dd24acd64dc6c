"""Loaded by pyproject.toml: reports at the end which tests this machine skipped, by reason."""

from __future__ import annotations

from collections import Counter

import pytest


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Returns why a test was skipped, without the location."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the skipped tests by reason; also report where there were none."""
    reasons = Counter(reason(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.section("skipped on this machine")
    if not reasons:
        terminalreporter.write_line("none")
    for why, count in reasons.most_common():
        terminalreporter.write_line(f"{count} test{'' if count == 1 else 's'}: {why}")

"""The look-up of known vulnerabilities in `make lint`."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from bgplatform.dev import audit

SKIPPED = '{"dependencies": [{"name": "django", "skip_reason": "not found"}], "fixes": []}'
CLEAN = '{"dependencies": [{"name": "django", "version": "5.2.19", "vulns": []}], "fixes": []}'
BAD = (
    '{"dependencies": [{"name": "django", "version": "1.0", '
    '"vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}], "fixes": []}'
)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> list[str | Exception]:
    """What pip-audit answers, one after the other."""
    answers: list[str | Exception] = []

    def run(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return subprocess.CompletedProcess([], 0, stdout=answer)

    monkeypatch.setattr("bgplatform.dev.audit.subprocess.run", run)
    return answers


@pytest.mark.parametrize(
    "answer", ["", "Connection refused", SKIPPED, subprocess.TimeoutExpired("pip-audit", 5)]
)
def test_a_registry_that_does_not_answer_is_no_failure(
    answer: str | Exception, says: list[str | Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    says.append(answer)
    assert audit.main() == 0
    assert capsys.readouterr().out == "pip-audit: not checked, because the registry does not answer\n"
    assert says == []


def test_a_known_vulnerability_fails(says: list[str | Exception], capsys: pytest.CaptureFixture[str]) -> None:
    says.extend([CLEAN, BAD])
    assert audit.main() == 1
    assert capsys.readouterr().out == (
        "pip-audit: django 1.0: PYSEC-1, fixed in 1.1\npip-audit: 1 packages, 1 known vulnerabilities\n"
    )


def test_an_ignored_vulnerability_does_not(
    says: list[str | Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    says.extend([CLEAN, BAD])
    monkeypatch.setitem(audit.IGNORED, "PYSEC-1", "we do not use that part")
    assert audit.main() == 0


def test_all_pinned_packages_are_asked_about() -> None:
    assert any(line.lower().startswith(audit.PROBE) for line in audit.pins(audit.PINNED))
    assert len(audit.pins(audit.PINNED)) > 50

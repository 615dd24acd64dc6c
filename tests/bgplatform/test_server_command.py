"""Every command that starts the web server leaves trust in forwarded headers to the settings."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def starting_lines() -> list[tuple[str, str]]:
    """Returns each tracked file and line that starts uvicorn with the application."""
    found = subprocess.run(
        ["git", "grep", "-InE", r"uvicorn.*bgplatform\.asgi:application", "--", ".", ":!tests", ":!*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [(line.split(":", 1)[0], line) for line in found.stdout.splitlines()]


def test_no_command_lets_uvicorn_trust_forwarded_headers() -> None:
    lines = starting_lines()
    assert {"Procfile", "docs/operations.md"} <= {name for name, _ in lines}
    assert [line for _, line in lines if "--no-proxy-headers" not in line] == []


def test_no_command_lets_uvicorn_name_itself() -> None:
    assert [line for _, line in starting_lines() if "--no-server-header" not in line] == []


def test_no_command_sets_a_uvicorn_root_path() -> None:
    """PATH_PREFIX does that; both together would strip it twice."""
    assert [line for _, line in starting_lines() if re.search("--root-path", line)] == []

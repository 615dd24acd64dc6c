"""Runs every check of `make lint`, one after the other, and lists those that failed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PYTHON = sys.executable


def templates() -> list[str]:
    """Returns every template that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.split()


def checks() -> dict[str, list[str]]:
    """Returns the commands by name."""
    return {
        "ruff check": [PYTHON, "-m", "ruff", "check", "--quiet", "."],
        "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."],
        "mypy": [PYTHON, "-m", "mypy"],
        "import contracts": [str(BIN / "lint-imports"), "--no-cache"],
        "import cycles": [PYTHON, "-m", "bgplatform.dev.cycles"],
        "djade": [str(BIN / "djade"), "--check", "--target-version", "5.2", *templates()],
        "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
        "known vulnerabilities": [PYTHON, "-m", "bgplatform.dev.audit"],
        "settings for production": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
    }


def environment(state: str) -> dict[str, str]:
    """Returns production settings for the checks: secure, with a state folder of their own."""
    return {
        **os.environ,
        "BGPLATFORM_STATE": state,
        "SECRET_KEY": "only-for-the-checks-" + "0123456789abcdefghijklmnopqrstuvwxyz",
        "HTTPS": "true",
        "ALLOWED_HOSTS": "example.org",
    }


def main() -> int:
    """Run the checks. Returns 0 where all passed."""
    failed = []
    with tempfile.TemporaryDirectory() as state:
        for name, command in checks().items():
            done = subprocess.run(command, cwd=ROOT, env=environment(state), check=False)
            if done.returncode:
                failed.append(name)
    total = len(checks())
    which = f" ({', '.join(failed)})" if failed else ""
    sys.stdout.write(f"lint: {total - len(failed)} passed, {len(failed)} failed{which}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

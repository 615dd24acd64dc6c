"""Backup and restore with the exact commands of docs/operations.md: nothing is missing, and sessions and
webhooks still work.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bgplatform.local.state import ROOT

GUIDE = (ROOT / "docs" / "operations.md").read_text()
SECRET = "a-key-that-only-this-site-has-0123456789"
pytestmark = pytest.mark.timeout(300)


def lines(name: str) -> list[str]:
    """Returns the commands of the named block."""
    found = re.search(rf"<!-- {name}: [^\n]*-->\n\n((?:    [^\n]*\n)+)", GUIDE)
    assert found, f"no block named {name} in the guide"
    return [line.strip() for line in found[1].splitlines()]


class Site:
    """A state folder and a place for its backup."""

    def __init__(self, folder: Path) -> None:
        self.state, self.backup = folder / "var", folder / "backup" / "bgplatform"
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "REDIS_URL") if name in os.environ
        }
        self.environment = {**kept, "STATE": str(self.state), "BACKUP": str(self.backup)}

    def run(self, line: str) -> str:
        """Run one line of the guide in a shell."""
        if line.startswith("STATE="):
            assert shlex.split(line) == ["STATE=var", "BACKUP=/backup/bgplatform"]
            return ""
        line = line.replace(".venv/bin/python", shlex.quote(sys.executable))
        return self._done(["bash", "-c", line], self.environment)

    def ask(self, *what: str, secret: str) -> dict[str, Any]:
        """Run backup_site with this secret key and return its output."""
        own = {
            "BGPLATFORM_STATE": str(self.state),
            "SECRET_KEY": secret,
            "DJANGO_SETTINGS_MODULE": "bgplatform.settings",
            "MODEL": "u2netp",
            "DEBUG": "true",
            "ALLOWED_HOSTS": "testserver",
        }
        command = [sys.executable, "-m", "tests.bgplatform.backup_site", *what]
        return dict(json.loads(self._done(command, {**self.environment, **own})))

    def _done(self, command: list[str], environment: dict[str, str]) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=200
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.mark.usefixtures("valkey")
def test_everything_is_restored_by_the_guide(tmp_path: Path) -> None:
    site = Site(tmp_path)
    before = site.ask("make", secret=SECRET)
    assert len(before["files"]) == 4 * 5 + 1
    assert "missing" not in before["files"].values()

    for line in lines("backup"):
        site.run(line)
        if "bgplatform.sqlite3" in line:
            # Between the copy of the database and the second copy of the files.
            site.ask("delete", secret=SECRET)
    assert [site.run(line) for line in lines("check")] == ["ok\n"]
    # The machine is lost; only the backup is left.
    shutil.rmtree(site.state)
    site.state.mkdir()
    *restore, start = lines("restore")
    assert start == "make run"
    for line in restore:
        site.run(line)

    secret = (site.state / "secret-key").read_text().strip()
    after = site.ask("look", str(before["session"]), secret=secret)
    assert (after.pop("history"), after.pop("result")) == (200, 200)
    del before["session"]
    assert after == before
    assert (site.state / "samples-shown").exists()

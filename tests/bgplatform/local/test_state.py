"""The state folder: one run at a time; secrets persist and stay private."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bgplatform.local.console import LocalRunError
from bgplatform.local.state import Run, State


def test_a_second_run_of_the_folder_is_refused_with_the_firsts_address(tmp_path: Path) -> None:
    first, second = State(tmp_path), State(tmp_path)
    with first.lock():
        first.write_run(Run(pid=123, address="http://127.0.0.1:8000/", redis_url="redis://x", ready=True))
        with pytest.raises(LocalRunError, match=r"already runs .* as process 123 at http://127.0.0.1:8000/"):
            second.lock()
    second.lock().close()


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    key = State(tmp_path).secret_key()
    assert len(key) >= 50
    assert State(tmp_path).secret_key() == key
    assert State(tmp_path).valkey_password() != key
    for name in ("secret-key", "valkey-password"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_run_file_is_read_back_and_a_damaged_one_ignored(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert state.read_run() is None
    run = Run(pid=1, address="http://127.0.0.1:8000/", redis_url="redis://x", ready=False)
    state.write_run(run)
    assert state.read_run() == run
    state.run_file.write_text("{")
    assert state.read_run() is None


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalRunError, match="BGPLATFORM_STATE"):
        State(tmp_path / "file" / "var")

"""The local run as a person uses it: stopped, restarted, started twice, started with wrong settings."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgplatform.local import process_tree
from tests.person import Person
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

JOBS = "SELECT title, state FROM jobs_job"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A platform that has finished its sample job."""
    with Stack(tmp_path_factory.mktemp("platform")) as running:
        until(lambda: running.rows(JOBS) == [("Sample photos", "finished")], "the sample job is done", 60)
        yield running


def refused(stack: Stack, **settings: str) -> str:
    """Returns the output of a launcher that exits at once with code 1."""
    before = len(stack.output())
    launcher = stack.launch(**settings)
    assert launcher.wait(timeout=60) == 1
    return stack.output()[before:]


def test_jobs_survive_a_restart(stack: Stack) -> None:
    first = stack.sign_in
    assert f"password  {first.password}" in stack.output()
    assert stack.stop() == 0  # also asserts that no process is left
    assert not stack.state.run_file.exists()
    before = len(stack.output())
    stack.start()
    said = stack.output()[before:]
    assert f"sign-in is in {stack.state.sign_in}" in said
    assert first.password not in said
    person = Person(stack.address)
    person.sign_in(first)
    assert b"Sample photos" in person.get("/")
    assert len(stack.rows(JOBS)) == 1


def test_a_second_run_in_the_same_folder_is_refused(stack: Stack) -> None:
    worker, said = stack.worker(), refused(stack)
    assert f"already runs from this folder as process {stack.pid} at {stack.address}:" in said
    assert stack.worker() == worker


def test_a_dead_process_is_restarted_and_logged(stack: Stack) -> None:
    (web,) = [pid for pid in stack.processes("-m uvicorn") if pid not in stack.processes("supervise")]
    before = len(stack.output())
    process_tree.kill(web, 9)
    until(
        lambda: "web was killed by SIGKILL; starting it again in 0.5 s" in stack.output()[before:],
        "it is said",
    )
    until(lambda: stack.answers(), "the site answers again")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"MAX_ATTEMPTS": "0"}, "MAX_ATTEMPTS must be between 1 and 20, not 0."),
        ({"MODEL": "u3net"}, "u3net"),
        ({"PORT": "99999"}, "PORT=99999 is not a port"),
        (
            {"DATABASE_URL": "mysql://localhost/x"},
            "DATABASE_URL must name a SQLite file",
        ),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    tmp_path: Path, given: dict[str, str], sentence: str
) -> None:
    said = refused(Stack(tmp_path), **given)
    assert sentence in said
    assert "Traceback" not in said
    assert "started (pid" not in said


def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"Port {port} is taken by another program" in refused(Stack(tmp_path), PORT=str(port))

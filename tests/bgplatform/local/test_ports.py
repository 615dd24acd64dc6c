"""The ports of the site and of its Valkey."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bgplatform.local import ports
from bgplatform.local.console import LocalRunError


@pytest.fixture
def taken() -> Iterator[int]:
    """A loopback port in use."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_requested_port_in_use_is_an_error(taken: int) -> None:
    with pytest.raises(LocalRunError, match=rf"Port {taken} is taken .*`make run PORT={taken + 1}`"):
        ports.for_web(str(taken), "127.0.0.1")


@pytest.mark.parametrize("wanted", ["0", "65536", "http", "-1", "80.5"])
def test_an_invalid_port_is_refused(wanted: str) -> None:
    with pytest.raises(LocalRunError, match="is not a port"):
        ports.for_web(wanted, "127.0.0.1")


def test_by_default_the_next_free_port_is_used_and_reported(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "DEFAULT_PORT", taken)
    port, note = ports.for_web(None, "127.0.0.1")
    assert taken < port < taken + ports.TRIED
    assert note == f"Port {taken} is taken by another program, so this is {port}."


def test_the_preferred_port_is_kept_while_it_is_free(taken: int) -> None:
    free = ports.any_free()
    assert ports.any_free(free) == free
    assert ports.any_free(taken) != taken

"""Servers that answer wrongly, too much, too slowly or never, also over TLS."""

from __future__ import annotations

import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs.fetching import FetchRefusedError, exchange, fetch
from tests.jobs.fetching.servers import Say, answer, raw, serving

BODY = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _own_network(settings: Settings) -> None:
    """The operator allows loopback."""
    settings.FETCH_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]


def refusal(say: Say, *, seconds: float = 20, max_bytes: int = 100_000, path: str = "/a.png") -> str:
    """Returns the error code of a fetch from such a server."""
    with serving(say) as server, pytest.raises(FetchRefusedError) as refused:
        fetch(f"http://127.0.0.1:{server.port}{path}", max_bytes=max_bytes, seconds=seconds)
    return refused.value.code


@pytest.mark.parametrize("status", ["201 Created", "204 No", "206 Part", "304 Same", "404 No", "500 Oh"])
def test_any_status_but_200_fails(status: str) -> None:
    assert refusal(answer(b"", status=status)) == "download_failed"


def test_an_announced_length_over_the_limit_is_refused_before_reading() -> None:
    assert refusal(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n")) == "too_many_bytes"


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_without_a_length_is_limited_while_reading(chunked: bool) -> None:
    head = b"Transfer-Encoding: chunked\r\n\r\n20000\r\n" if chunked else b"\r\n"
    assert refusal(raw(b"HTTP/1.1 200 OK\r\n" + head + bytes(0x20000))) == "too_many_bytes"


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnine\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "not HTTP", "short", "short chunk", "no chunk", "compressed", "headers", "long header"],
)
def test_broken_responses_fail(reply: bytes) -> None:
    assert refusal(raw(reply)) == "download_failed"


def test_a_closed_port_fails() -> None:
    with serving(answer()) as server:
        pass
    with pytest.raises(FetchRefusedError, match="no server answered"):
        fetch(f"http://127.0.0.1:{server.port}/", max_bytes=9, seconds=20)


def drip(before: bytes) -> Say:
    """Sends `before`, then a byte every 20 ms until the client closes the connection, so that no single wait
    is long.
    """

    def say(line: socket.socket, _: bytes) -> None:
        line.sendall(before)
        while not select.select([line], [], [], 0.02)[0]:
            line.sendall(b"x")

    return say


SLOW: list[Say] = [
    lambda line, _: line.recv(1),
    drip(b""),
    drip(b"HTTP/1.1 200 OK\r\nA: "),
    drip(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n"),
    drip(b"HTTP/1.1 200 OK\r\n\r\n"),
    drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n"),
]


@pytest.mark.parametrize("say", SLOW, ids=["silence", "status", "header", "body", "endless body", "chunk"])
def test_one_deadline_covers_every_phase(say: Say) -> None:
    assert refusal(say, seconds=0.3) == "timeout"


def test_a_resolver_that_never_answers_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait() and [])
    with pytest.raises(FetchRefusedError) as refused:
        fetch("http://example.org/", max_bytes=9, seconds=0.1)
    over.set()
    assert refused.value.code == "timeout"
    assert refused.value.sentence == "The address took longer than 0.1 seconds to answer. Try again later."


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(file), "-out", str(file.with_suffix(".crt"))),
        ],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


@pytest.fixture
def tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """The server's TLS context. Clients trust its certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    exchange._tls.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    yield context
    exchange._tls.cache_clear()


def test_https_verifies_the_requested_host_name(tls: ssl.SSLContext) -> None:
    with serving(answer(BODY), tls=tls) as server:
        assert fetch(f"https://localhost:{server.port}/", max_bytes=20_000, seconds=20).size == 10_240
        with pytest.raises(FetchRefusedError, match="certificate is not valid for this address"):
            fetch(f"https://127.0.0.1:{server.port}/", max_bytes=20_000, seconds=20)
    assert len(server.requests) == 1


def test_https_has_the_same_deadline(tls: ssl.SSLContext) -> None:
    with serving(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n"), tls=tls) as server:
        with pytest.raises(FetchRefusedError) as refused:
            fetch(f"https://localhost:{server.port}/", max_bytes=100_000, seconds=0.5)
        assert refused.value.code == "timeout"
    with serving(lambda line, _: line.recv(1)) as silent, pytest.raises(FetchRefusedError) as refused:
        fetch(f"https://localhost:{silent.port}/", max_bytes=100_000, seconds=0.3)
    assert refused.value.code == "timeout"


def test_a_server_without_tls_fails() -> None:
    with (
        serving(raw(b"SSH-2.0-OpenSSH_9.2\r\n"), at_once=True) as server,
        pytest.raises(FetchRefusedError) as refused,
    ):
        fetch(f"https://localhost:{server.port}/", max_bytes=9, seconds=20)
    assert refused.value.code == "download_failed"

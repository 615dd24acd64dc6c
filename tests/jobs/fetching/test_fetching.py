"""Downloads from a real server: file names, redirects, proxies, and POST requests."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs.fetching import FetchRefusedError, fetch, look_over, send
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


def test_a_file_comes_with_its_size_type_and_name() -> None:
    with serving(answer(BODY, Content_Type="Image/PNG; charset=x")) as server:
        fetched = fetch(
            f"http://localhost:{server.port}/a/caf%C3%A9%20cat.png?size=2#part",
            max_bytes=len(BODY),
            seconds=20,
        )
    with fetched.file as file:
        assert file.read() == BODY
    assert (fetched.size, fetched.media_type, fetched.name) == (10_240, "image/png", "café cat.png")
    assert server.visits == 1
    head = server.requests[0].decode().split("\r\n")
    assert head[0] == "GET /a/caf%C3%A9%20cat.png?size=2 HTTP/1.1"
    assert sorted(head[1:-2]) == [
        "Accept-Encoding: identity",
        "Accept: image/*,*/*;q=0.5",
        "Connection: close",
        f"Host: localhost:{server.port}",
        "User-Agent: bgplatform",
    ]


def test_fetch_over_ipv6() -> None:
    with serving(answer(b"six"), host="::1") as server:
        fetched = fetch(f"http://[0:0::1]:{server.port}", max_bytes=3, seconds=20)
    with fetched.file as file:
        assert (file.read(), fetched.name) == (b"six", "picture")
    assert f"Host: [::1]:{server.port}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nonetwo",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nonetwo and more",
    ],
    ids=["chunked", "until the end", "after a hundred"],
)
def test_bodies_of_every_framing_are_read(reply: bytes) -> None:
    with serving(raw(reply)) as server:
        fetched = fetch(f"http://127.0.0.1:{server.port}/", max_bytes=6, seconds=20)
    with fetched.file as file:
        assert file.read() == b"onetwo"
    assert (fetched.size, fetched.media_type) == (6, "text/plain")


def test_a_connection_kept_open_after_the_body_is_not_waited_for() -> None:
    def say(line: socket.socket, _: bytes) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
        line.recv(1)  # until the client closes the connection

    with serving(say) as server:
        assert fetch(f"http://127.0.0.1:{server.port}/", max_bytes=3, seconds=60).size == 3


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Again", "308 Moved"])
def test_redirects_are_followed_to_allowed_addresses(status: str) -> None:
    with serving(answer(BODY)) as last, serving(answer(status=status, Location="/b")) as loop:
        loop.say = answer(status=status, Location=f"http://127.0.0.1:{last.port}/b.png")
        fetched = fetch(f"http://127.0.0.1:{loop.port}/a", max_bytes=20_000, seconds=20)
    assert (fetched.size, fetched.name) == (10_240, "b.png")
    assert (loop.visits, last.visits) == (1, 1)


def test_a_redirect_may_contain_spaces() -> None:
    with serving(answer(BODY)) as last, serving(answer()) as first:
        first.say = answer(
            status="302 Found", Location=f"http://127.0.0.1:{last.port}/My cat%20photo.png?a= b"
        )
        fetched = fetch(f"http://127.0.0.1:{first.port}/a", max_bytes=20_000, seconds=20)
    assert (fetched.size, fetched.name) == (10_240, "My cat photo.png")
    assert last.requests[0].startswith(b"GET /My%20cat%20photo.png?a=%20b HTTP/1.1\r\n")


def test_three_redirects_and_no_more() -> None:
    left = [3]

    def say(line: socket.socket, head: bytes) -> None:
        left[0] -= 1
        (answer(status="302 Found", Location="next") if left[0] >= 0 else answer(b"there"))(line, head)

    with serving(say) as server:
        assert fetch(f"http://127.0.0.1:{server.port}/a/b", max_bytes=9, seconds=20).size == 5
        assert [request.split()[1] for request in server.requests] == [b"/a/b", *[b"/a/next"] * 3]
        left[0] = 4
        with pytest.raises(FetchRefusedError, match="more than 3 times"):
            fetch(f"http://127.0.0.1:{server.port}/", max_bytes=9, seconds=20)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("http://169.254.169.254/latest/meta-data/", "forbidden_address"),
        ("http://10.0.0.1/", "forbidden_address"),
        ("//10.0.0.1/", "forbidden_address"),
        ("http://[::ffff:10.0.0.1]/", "forbidden_address"),
        ("http://2130706433/", "invalid_url"),
        ("http://me@example.org/", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("gopher://127.0.0.1/", "invalid_url"),
        ("http://[", "invalid_url"),
        ("/a\\b", "invalid_url"),
        ("http://a b/", "invalid_url"),
        ("", "download_failed"),
    ],
)
def test_each_redirect_is_checked_like_the_first_address(
    where: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    connect = socket.socket.connect

    def watched(line: socket.socket, address: object) -> None:
        connected.append(address)
        connect(line, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    assert refusal(answer(status="302 Found", Location=where)) == code
    assert len(connected) == 1


def test_a_redirect_to_an_address_outside_the_operators_networks_is_refused(settings: Settings) -> None:
    settings.FETCH_PRIVATE_NETWORKS = ["127.0.0.1"]
    with serving(answer(b"secret"), host="127.0.0.2") as other:
        where = f"http://127.0.0.2:{other.port}/"
        assert refusal(answer(status="302 Found", Location=where)) == "forbidden_address"
    assert other.visits == 0


def test_the_next_address_is_tried_after_a_refused_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(b"alive")) as server:

        def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in ("127.0.0.9", "127.0.0.1")
            ]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        connect = socket.socket.connect

        def reach(line: socket.socket, address: tuple[str, int]) -> None:
            if address[0] == "127.0.0.9":
                raise ConnectionRefusedError
            connect(line, address)

        monkeypatch.setattr(socket.socket, "connect", reach)
        assert fetch(f"http://example.org:{server.port}/", max_bytes=9, seconds=20).size == 5
    assert b"Host: example.org:" in server.requests[0]


def test_proxies_and_netrc_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(answer()) as proxy, serving(answer(b"straight")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert fetch(f"http://127.0.0.1:{server.port}/", max_bytes=9, seconds=20).size == 8
    assert proxy.visits == 0
    assert b"Authorization" not in server.requests[0]


def test_sending_returns_the_status_and_follows_no_redirect() -> None:
    with serving(answer(status="302 Found", Location="/elsewhere", Retry_After="7")) as server:
        said = send(f"http://127.0.0.1:{server.port}/hook?a=b", b'{"a":1}', {"webhook-id": "1"}, seconds=20)
    assert (said.status, said.retry_after) == (302, 7.0)
    assert said.milliseconds >= 0
    assert server.visits == 1
    head = server.requests[0].split(b"\r\n")
    assert head[0] == b"POST /hook?a=b HTTP/1.1"
    assert b"Content-Length: 7" in head
    assert b"webhook-id: 1" in head


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", None), ("soon", None), ("-1", None), ("0", 0.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_retry_after_headers(header: str, seconds: float | None) -> None:
    with serving(answer(status="503 Busy", Retry_After=header)) as server:
        said = send(f"http://127.0.0.1:{server.port}/", b"", {}, seconds=20)
    assert said.retry_after == seconds


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://[fe80::1]/"])
def test_look_over_resolves_no_name(url: str, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    look_over("https://example.org/hook")
    look_over("http://localhost:8000/")
    with pytest.raises(FetchRefusedError):
        look_over(url)
    settings.FETCH_PRIVATE_NETWORKS = []
    with pytest.raises(FetchRefusedError):
        look_over("http://localhost:8000/")

"""SSRF protection: forbidden and invalid addresses are refused without a connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from jobs.fetching import FetchRefusedError, fetch, send
from tests.jobs.fetching.servers import Server, answer, serving

# The attacker's resolver: one list of addresses per query, the last one for all later queries.
PUBLIC = "93.184.215.14"
NAMES: dict[str, list[list[str]]] = {
    "loopback.example.org": [["127.0.0.1"]],
    "loopback6.example.org": [["::1"]],
    "private.example.org": [["10.1.2.3"]],
    "shared.example.org": [["100.64.0.1"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "mapped.example.org": [["::ffff:127.0.0.1"]],
    "translated.example.org": [["64:ff9b::7f00:1"]],
    "scoped.example.org": [["fe80::1%lo"]],
    "two.example.org": [[PUBLIC, "127.0.0.1"]],
    "two-other-way.example.org": [["192.168.0.1", PUBLIC]],
    "many.example.org": [[PUBLIC] * 9 + ["10.0.0.1"]],
    "old-and-new.example.org": [["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"]],
    "xn--lcalhost-n4a.example.org": [["127.0.0.1"]],
    "localhost": [[PUBLIC]],
    "a.localhost": [[PUBLIC]],
}

FORBIDDEN = [
    # Plain spellings.
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.255.255.254:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0.1.2.3:{port}/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://239.255.255.255/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    # Metadata of clouds: AWS, GCP and Azure; Azure's host; Alibaba; Oracle; AWS and GCP in IPv6.
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://168.63.129.16/machine",
    "http://100.100.100.200/latest/meta-data/",
    "http://192.0.0.192/opc/v2/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fd20:ce::254]/",
    # IPv6: loopback, unspecified, mapped, compatible, translated, 6to4, Teredo, local, multicast,
    # documentation.
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:53aa:64c:0:0:80ff:fffe]/",
    "http://[2001:20::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[100::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    # Digits and dots of other scripts.
    "http://127.0.0.1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    # Names.
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "https://localhost:{port}/",
    "http://a.localhost:{port}/",
    *[f"http://{name}:{{port}}/" for name in NAMES if "localhost" not in name.split(".")],
    # A prefix or suffix that looks like another host.
    "http://127.0.0.1:{port}/?@example.org",
    "http://127.0.0.1:{port}#@example.org/",
    "http://loopback.example.org.:{port}/",
]

INVALID = [
    # Legacy spellings of IPv4: decimal, hexadecimal, octal, short, mixed, too long.
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0x7F.0x0.0x0.0x1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0:{port}/",
    "http://127.0.0.01:{port}/",
    "http://127.0.0.1.1:{port}/",
    "http://127.0.0.0x1:{port}/",
    "http://425.510.425.510/",
    "http://1①7.0.0.256:{port}/",
    # User-info, backslashes, percent signs, brackets, zones.
    "http://example.org@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@example.org/",
    "http://user:password@127.0.0.1:{port}/",
    "http://@127.0.0.1:{port}/",
    "http://example.org\\@127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\",
    "http://127.0.0.1%2f@example.org/",
    "http://127.0.0.1%00.example.org:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://%6c%6f%63alhost:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[fe80::1%25eth0]:{port}/",
    "http://[::1:{port}/",
    "http://[127.0.0.1]:{port}/",
    "http://[v1.fe80::a+en1]/",
    "http://::1:{port}/",
    # Spaces and line breaks.
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/ HTTP/1.1\r\nX: y",
    "http://127.0.0.1\t:{port}/",
    "http://exa\nmple.org/",
    # Other schemes, or no scheme.
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_x",
    "dict://127.0.0.1:{port}/d",
    "jar:http://127.0.0.1:{port}!/",
    "data:image/png;base64,AAAA",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "http:///127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "",
    # Ports of other protocols.
    "http://example.org:22/",
    "http://example.org:25/",
    "http://example.org:0/",
    "http://example.org:6667/",
    "http://example.org:65536/",
    "http://example.org:-80/",
    # Invalid host names.
    "http://./",
    "http://../",
    "http://a..b/",
    "http://-a.example/",
    "http://exa$mple.org/",
    "http://" + "a" * 64 + ".org/",
    "http://" + "a." * 130 + "org/",
    "http://example.org/" + "a" * 4096,
]


class World:
    """A resolver that answers from the table, and a record of all connections."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.connected: list[object] = []

    def getaddrinfo(self, host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        turns = NAMES.get(host)
        if turns is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        addresses = turns[min(self.asked.count(host), len(turns)) - 1]
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    def connect(self, _: socket.socket, address: object) -> None:
        self.connected.append(address)
        raise ConnectionRefusedError


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(socket, "getaddrinfo", world.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", lambda line, address: world.connect(line, address))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    return world


@pytest.fixture(scope="module")
def trap() -> Iterator[Server]:
    """A server on loopback that must not get a connection."""
    with serving(answer(b"secret")) as server:
        yield server


def test_the_table_has_at_least_110_addresses() -> None:
    assert len(FORBIDDEN) + len(INVALID) >= 110


@pytest.mark.parametrize("form", FORBIDDEN)
def test_non_public_addresses_are_forbidden(form: str, world: World, trap: Server) -> None:
    with pytest.raises(FetchRefusedError) as refused:
        fetch(form.format(port=trap.port), max_bytes=1000, seconds=60)
    assert refused.value.code == "forbidden_address"
    assert "private or reserved" in refused.value.sentence
    assert (world.connected, trap.visits) == ([], 0)


@pytest.mark.parametrize("form", INVALID)
def test_malformed_urls_are_invalid(form: str, world: World, trap: Server) -> None:
    with pytest.raises(FetchRefusedError) as refused:
        fetch(form.format(port=trap.port), max_bytes=1000, seconds=60)
    assert refused.value.code == "invalid_url"
    assert refused.value.sentence.startswith("This address cannot be used: ")
    assert (world.asked, world.connected, trap.visits) == ([], [], 0)


@pytest.mark.parametrize("place", ["path", "host"])
def test_a_lone_surrogate_is_invalid(place: str) -> None:
    """A lone surrogate, which JSON can express and no encoding can send."""
    url = "http://example.org/\ud800" if place == "path" else "http://ex\udfffample.org/"
    with pytest.raises(FetchRefusedError) as refused:
        fetch(url, max_bytes=1000, seconds=60)
    assert refused.value.code == "invalid_url"


@pytest.mark.parametrize("form", ["http://127.0.0.1:{port}/", "http://two.example.org:{port}/"])
def test_sending_has_the_same_protection(form: str, world: World, trap: Server) -> None:
    with pytest.raises(FetchRefusedError) as refused:
        send(form.format(port=trap.port), b"{}", {}, seconds=60)
    assert refused.value.code == "forbidden_address"
    assert (world.connected, trap.visits) == ([], 0)


def test_a_name_is_resolved_once(world: World, trap: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a public address for the check, loopback for the connection. One query serves both."""
    monkeypatch.setitem(NAMES, "rebinding.example.org", [[PUBLIC], ["127.0.0.1"]])
    with pytest.raises(FetchRefusedError) as refused:
        fetch(f"http://rebinding.example.org:{trap.port}/", max_bytes=1000, seconds=60)
    assert refused.value.code == "download_failed"
    assert world.asked == ["rebinding.example.org"]
    assert (world.connected, trap.visits) == ([(PUBLIC, trap.port)], 0)


def test_a_name_that_contains_a_forbidden_one_is_allowed(world: World) -> None:
    for name in ("127.0.0.1.example.org", "localhost.example.org", "notlocalhost"):
        with pytest.raises(FetchRefusedError) as refused:
            fetch(f"http://{name}/", max_bytes=1000, seconds=60)
        assert refused.value.code == "download_failed"
    assert world.asked == ["127.0.0.1.example.org", "localhost.example.org", "notlocalhost"]


def test_only_the_operators_networks_are_allowed(world: World, settings: Settings) -> None:
    settings.FETCH_PRIVATE_NETWORKS = ["10.1.0.0/16", "fd12::/16"]
    for url in ("http://10.1.2.3/", "http://private.example.org/", "http://[fd12::1]/"):
        with pytest.raises(FetchRefusedError) as refused:
            fetch(url, max_bytes=1000, seconds=60)
        assert refused.value.code == "download_failed"
    assert world.connected == [("10.1.2.3", 80), ("10.1.2.3", 80), ("fd12::1", 80, 0, 0)]
    for url in ("http://10.2.0.1/", "http://[::ffff:10.1.2.3]/", "http://127.0.0.1/"):
        with pytest.raises(FetchRefusedError) as refused:
            fetch(url, max_bytes=1000, seconds=60)
        assert refused.value.code == "forbidden_address"
    assert len(world.connected) == 3

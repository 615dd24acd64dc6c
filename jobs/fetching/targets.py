"""From a URL that a user gave to whom we speak and what we ask for: parsed once, by nobody else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

import idna

from jobs.fetching.addresses import Address
from jobs.fetching.errors import invalid

LONGEST: Final = 4096
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Below 1024 only the web's own. Above: those that the Fetch Standard bars, whose protocols read lines.
# https://fetch.spec.whatwg.org/#port-blocking
BARRED_PORTS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080, *range(6665, 6670)}
)
# Halves of surrogate pairs, too: no bytes could be written for them.
_CONTROL_OR_SPACE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\ud800-\udfff]")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# What libraries read as an IPv4 address in one of its forgotten forms: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH_SAFE: Final = "%/:?#[]@!$&'()*+,;=~-._"


@dataclass(frozen=True)
class Target:
    """Whom to speak to and what to ask for. `host` is a name in ASCII without a last dot, or an address."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def url(self) -> str:
        """The address anew, to resolve a redirect against."""
        host = f"[{self.host}]" if self.address and self.address.version == 6 else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse(url: str) -> Target:
    """What a URL says. Raises FetchRefusedError `invalid_url` with the reason; nothing is looked up here."""
    if len(url) > LONGEST:
        raise invalid(f"it is longer than {LONGEST} characters")
    # Parsers differ in what they drop; here nothing is dropped.
    if _CONTROL_OR_SPACE.search(url):
        raise invalid("it holds spaces, control characters, backslashes or half a character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise invalid("it is not written as an address is") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise invalid("it has to begin with http:// or https://")
    if "@" in parts.netloc:
        raise invalid("it holds a user name or password")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if (port < 1024 and port not in DEFAULT_PORTS.values()) or port in BARRED_PORTS:
        raise invalid(f"nothing is asked of port {port}")
    host, address = _host(parts)
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port, quote((parts.path or "/") + query, safe=_PATH_SAFE), address)


def _host(parts: SplitResult) -> tuple[str, Address | None]:
    text = parts.hostname or ""
    if "[" in parts.netloc:
        try:
            v6 = IPv6Address(text)
        except ValueError as error:
            raise invalid("what stands in brackets is no IPv6 address") from error
        if v6.scope_id is not None:
            raise invalid("an address with a zone means something on one machine only")
        return str(v6), v6
    name = _ascii(text).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            v4 = IPv4Address(name)
        except ValueError as error:
            raise invalid("a host that ends in a number has to be four decimal numbers") from error
        return str(v4), v4
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise invalid("its host is no name")
    return name, None


def _ascii(host: str) -> str:
    """The name as the DNS knows it; digits and dots of other scripts come out as plain ones."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise invalid("its host is no name") from error

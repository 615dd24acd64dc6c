"""Parses a user's URL into host, port and path. This is the only URL parser in use."""

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
# Below 1024 only ports 80 and 443 are allowed. Above: the ports that the Fetch Standard blocks, because their
# protocols are line-based. https://fetch.spec.whatwg.org/#port-blocking
BARRED_PORTS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080, *range(6665, 6670)}
)
# Includes lone surrogates, which cannot be encoded.
_CONTROL_OR_SPACE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\ud800-\udfff]")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Legacy spellings of IPv4 that many libraries accept: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH_SAFE: Final = "%/:?#[]@!$&'()*+,;=~-._"


@dataclass(frozen=True)
class Target:
    """The host to connect to and the path to request. `host` is an ASCII name without a final dot, or an
    address.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def url(self) -> str:
        """The normalized URL, the base for relative redirects."""
        host = f"[{self.host}]" if self.address and self.address.version == 6 else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse(url: str) -> Target:
    """Parses a URL without resolving it. Raises FetchRefusedError `invalid_url` with the reason."""
    if len(url) > LONGEST:
        raise invalid(f"it is longer than {LONGEST} characters")
    # Parsers differ in the characters that they strip. This one strips none.
    if _CONTROL_OR_SPACE.search(url):
        raise invalid("it contains a space, a control character, a backslash or half a character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise invalid("it is not a valid URL") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise invalid("it must begin with http:// or https://")
    if "@" in parts.netloc:
        raise invalid("it contains a user name or password")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if (port < 1024 and port not in DEFAULT_PORTS.values()) or port in BARRED_PORTS:
        raise invalid(f"port {port} is not allowed")
    host, address = _host(parts)
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port, quote((parts.path or "/") + query, safe=_PATH_SAFE), address)


def _host(parts: SplitResult) -> tuple[str, Address | None]:
    text = parts.hostname or ""
    if "[" in parts.netloc:
        try:
            v6 = IPv6Address(text)
        except ValueError as error:
            raise invalid("the text in brackets is not an IPv6 address") from error
        if v6.scope_id is not None:
            raise invalid("an IPv6 address with a zone is valid on one machine only")
        return str(v6), v6
    name = _ascii(text).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            v4 = IPv4Address(name)
        except ValueError as error:
            raise invalid(
                "a host that ends in a number must be an IPv4 address of four decimal numbers"
            ) from error
        return str(v4), v4
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise invalid("its host name is not valid")
    return name, None


def _ascii(host: str) -> str:
    """Encodes a host name for DNS. Digits and dots of other scripts become ASCII."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise invalid("its host name is not valid") from error

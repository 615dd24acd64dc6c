"""Which addresses are the internet: written down, because `is_global` changes with Python's patches."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from django.conf import settings

from jobs.fetching.errors import forbidden

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's registries of special purposes (RFC 6890 and what followed), multicast, and what clouds made special.
NOT_THE_INTERNET: Final[tuple[Network, ...]] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host; Linux connects to itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT, and Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host, a public number that never leaves the machine
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocols, and Oracle's metadata
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",
    )
)
# All else in IPv6 is loopback, link-local, unique local, site-local, multicast, mapped or translated IPv4
# (::ffff:0:0/96, 64:ff9b::/96), or nobody's.
UNICAST_V6: Final = IPv6Network("2000::/3")


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def is_internet(address: Address) -> bool:
    """Whether an address is a public unicast one."""
    if address.version == 6 and address not in UNICAST_V6:
        return False
    return not any(address in network for network in NOT_THE_INTERNET)


def check(address: Address) -> None:
    """Raise FetchRefusedError `forbidden_address` unless an address is the internet's, or the operator lets
    it in by FETCH_PRIVATE_NETWORKS."""
    own = _networks(tuple(settings.FETCH_PRIVATE_NETWORKS))
    if not is_internet(address) and not any(address in network for network in own):
        raise forbidden()


def check_text(text: str) -> None:
    """`check` for an address as the resolver writes it, with or without a scope (`fe80::1%eth0`)."""
    check(ip_address(text.partition("%")[0]))

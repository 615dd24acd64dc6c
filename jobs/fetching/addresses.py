"""Public IP addresses, as an explicit list: Python's `is_global` changes between patch releases."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from django.conf import settings

from jobs.fetching.errors import forbidden

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registries (RFC 6890 and its updates), multicast, and special addresses of clouds.
NOT_THE_INTERNET: Final[tuple[Network, ...]] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # "this host"; Linux connects to itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host: a public address that never leaves the machine
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
        "240.0.0.0/4",  # reserved and broadcast
        "2001::/23",  # Teredo, ORCHID, benchmarking
        "2001:db8::/32",
        "2002::/16",  # 6to4: embeds an IPv4 address
        "3fff::/20",
    )
)
# The rest of IPv6 is loopback, link-local, unique local, site-local, multicast, mapped or translated IPv4
# (::ffff:0:0/96, 64:ff9b::/96), or unassigned.
UNICAST_V6: Final = IPv6Network("2000::/3")


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def is_internet(address: Address) -> bool:
    """Whether an address is public unicast."""
    if address.version == 6 and address not in UNICAST_V6:
        return False
    return not any(address in network for network in NOT_THE_INTERNET)


def check(address: Address) -> None:
    """Raises FetchRefusedError `forbidden_address` unless an address is public or the operator allows it with
    FETCH_PRIVATE_NETWORKS.
    """
    own = _networks(tuple(settings.FETCH_PRIVATE_NETWORKS))
    if not is_internet(address) and not any(address in network for network in own):
        raise forbidden()


def check_text(text: str) -> None:
    """Checks an address as the resolver writes it, with or without a scope (`fe80::1%eth0`)."""
    check(ip_address(text.partition("%")[0]))

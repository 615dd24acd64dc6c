"""The client's network address."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Returns the client's IP address; "" where there is none, as on a Unix socket.

    Behind a proxy it is the last one in X-Forwarded-For, which our proxy added; the client may have invented
    the ones before it.
    """
    address = str(request.META.get("REMOTE_ADDR") or "")
    if settings.BEHIND_PROXY:
        address = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or address
    return _canonical(address)


def is_among(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of these networks; "" is in none."""
    if not address:
        return False
    known = ip_address(address)
    return any(known in ip_network(network) for network in networks)


def canonical_network(text: str) -> str:
    """Returns an address or a network such as 192.0.2.0/24 in canonical form. Raises ValueError for anything
    else.
    """
    network = ip_network(text.strip(), strict=False)
    return str(network.network_address if network.num_addresses == 1 else network)


def _canonical(address: str) -> str:
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(known, "ipv4_mapped", None)
    return str(mapped or known)

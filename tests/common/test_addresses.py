"""The client's address, with and without a proxy."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from common.addresses import client_address


@pytest.mark.parametrize(
    ("proxy", "remote", "forwarded", "address"),
    [
        (False, "192.0.2.7", None, "192.0.2.7"),
        (False, "192.0.2.7", "198.51.100.1", "192.0.2.7"),
        (False, "", None, ""),
        (False, "not an address", None, ""),
        (False, "::ffff:192.0.2.7", None, "192.0.2.7"),
        (False, "2001:DB8:0::7", None, "2001:db8::7"),
        (False, "fe80::1%eth0", None, "fe80::1"),
        (True, "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        # Addresses invented by the client precede the one that our proxy added.
        (True, "10.0.0.1", "127.0.0.1, 192.0.2.7, 198.51.100.1", "198.51.100.1"),
        (True, "10.0.0.1", "198.51.100.1, rubbish", ""),
        (True, "10.0.0.1", None, "10.0.0.1"),
        (True, "", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_the_address_of_a_client(
    settings: object, rf: RequestFactory, proxy: bool, remote: str, forwarded: str | None, address: str
) -> None:
    settings.BEHIND_PROXY = proxy  # type: ignore[attr-defined]
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(rf.get("/", REMOTE_ADDR=remote, **headers)) == address

"""Single sign-on by OpenID Connect: checks its settings together, and gives django-allauth's form of them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

WELL_KNOWN = "/.well-known/openid-configuration"


def check(issuer: str, client_id: str, client_secret: str) -> None:
    """Raises ImproperlyConfigured where only some are set, or the issuer is no address of HTTPS.

    Plain HTTP is for a provider on this machine: it would show codes and tokens to the network.
    """
    given = {"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": client_id, "OIDC_CLIENT_SECRET": client_secret}
    missing = [name for name, value in given.items() if not value]
    if missing and len(missing) < len(given):
        set_one = next(name for name, value in given.items() if value)
        raise ImproperlyConfigured(f"{missing[0]} is not set, and it must be because {set_one} is set.")
    if missing:
        return
    parts = urlsplit(issuer)
    if parts.query or parts.fragment or parts.username or WELL_KNOWN in issuer:
        raise ImproperlyConfigured(
            "OIDC_ISSUER must be the issuer's address alone, such as https://login.example.org/realm, "
            f"without {WELL_KNOWN}."
        )
    if parts.scheme != "https" and not _is_this_machine(parts.hostname or ""):
        raise ImproperlyConfigured(
            "OIDC_ISSUER must start with https://, except for a provider on this machine."
        )


def host(issuer: str) -> str:
    """The issuer's host, which names the provider where OIDC_NAME does not; "" without an issuer."""
    return urlsplit(issuer).hostname or ""


def providers(provider_id: str, issuer: str, client_id: str, client_secret: str, name: str) -> dict[str, Any]:
    """Returns django-allauth's SOCIALACCOUNT_PROVIDERS; without an issuer there is none."""
    if not issuer:
        return {}
    app = {
        "provider_id": provider_id,
        "name": name,
        "client_id": client_id,
        "secret": client_secret,
        "settings": {"server_url": issuer.rstrip("/"), "oauth_pkce_enabled": True},
    }
    return {"openid_connect": {"APPS": [app]}}


def _is_this_machine(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False

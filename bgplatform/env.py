"""Reads environment variables: typed, range-checked, with an error that names the remedy."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str, *, like: str = "") -> str:
    """Returns the text of variable `name`; refuses one that does not match the pattern `like`.

    `NAME_FILE` may name a file with the value instead, such as a secret that a container runtime mounts.

    Reads os.environ directly: django-environ would take a secret that begins with `$` for another variable's
    name.
    """
    given = _given(name)
    value = default if given is None else given
    if like and not re.fullmatch(like, value):
        raise ImproperlyConfigured(
            f"{name} cannot be {value!r}: see docs/configuration.md for what it may be."
        )
    return value


def _given(name: str) -> str | None:
    """Returns the value of variable `name`, or of the file that `NAME_FILE` names; None if neither is set."""
    source = os.environ.get(f"{name}_FILE")
    if source is None:
        return os.environ.get(name)
    if name in os.environ:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: remove one of them.")
    try:
        # Editors end a file with a line break, which is no part of a secret.
        return Path(source).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE: the file {source} cannot be read ({error}).") from error


def required(name: str, *, why: str) -> str:
    """Returns a text that must be set; `why` names what requires it."""
    value = text(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set, and it must be because {why}.")
    return value


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """Returns the integer in variable `name`; refuses values outside least..most."""
    given = text(name, str(default))
    if not re.fullmatch(r"\s*-?[0-9]{1,18}\s*", given):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {given!r}.")
    value = int(given)
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name} must be between {least} and {most}, not {value}.")
    return value


def fraction(name: str, default: str, *, least: float, most: float) -> float | None:
    """Returns the number in variable `name`, between `least` and `most`; None where it is `off`."""
    given = text(name, default).strip().lower()
    if given == "off":
        return None
    value = float(given) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", given) else None
    if value is None or not least <= value <= most:
        raise ImproperlyConfigured(f"{name} must be off or between {least} and {most}, not {given!r}.")
    return value


def boolean(name: str, default: bool) -> bool:
    """Returns the boolean in variable `name`; refuses anything but the usual spellings."""
    given = text(name, str(default)).strip().lower()
    if given in {"1", "true", "yes", "on"}:
        return True
    if given in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {given!r}.")


def choice(name: str, default: str, allowed: Collection[str]) -> str:
    """Returns the value of variable `name`, one of `allowed`."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(allowed))}, not {value!r}.")
    return value


def names(name: str, default: Collection[str], *, like: str = "") -> list[str]:
    """Returns a comma-separated list without blanks; each entry must match the pattern `like`."""
    found = [part.strip() for part in text(name, ",".join(default)).split(",") if part.strip()]
    for part in found:
        if like and not re.fullmatch(like, part):
            raise ImproperlyConfigured(f"{name} cannot hold {part!r}: see docs/configuration.md.")
    return found


def networks(name: str, default: Collection[str]) -> list[str]:
    """Returns a comma-separated list of networks (10.0.0.0/8) or single addresses."""
    found = names(name, default)
    for part in found:
        try:
            ip_network(part)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} cannot hold {part!r}: {error}.") from error
    return found


def folder(name: str, default: Path) -> Path:
    """Returns the absolute path in variable `name`; whoever writes there first creates the folder."""
    path = Path(text(name, str(default))).expanduser()
    if not path.is_absolute():
        raise ImproperlyConfigured(f"{name} must be an absolute path, not {str(path)!r}.")
    return path


def ensure_folder(path: Path, name: str) -> Path:
    """Returns the folder from variable `name`, created if missing."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}: the folder {path} cannot be created ({error.strerror})."
        ) from error
    return path


def url(name: str, default: str, schemes: Collection[str]) -> str:
    """Returns the URL in variable `name`, which must have one of the given schemes."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        right = parts.scheme in schemes and bool(parts.netloc or parts.path) and parts.port != 0
    except ValueError:  # the port is not a number
        right = False
    if not right:
        starts = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise ImproperlyConfigured(f"{name} must be an address that starts with {starts}.")
    return value


def secret(name: str, *, when_missing: str | None) -> str:
    """Returns a secret of at least 32 characters; `when_missing` is the default, None makes it required."""
    value = text(name, when_missing or "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: give it 50 random characters, and keep them.")
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name} is too short: give it at least 32 random characters.")
    return value


def optional_secret(name: str) -> str:
    """Returns a secret of at least 32 characters, or "" where it is not set."""
    return secret(name, when_missing=None) if text(name, "") else ""


def database(name: str, default: str) -> dict[str, Any]:
    """Returns Django's database settings for the URL in variable `name`: a SQLite file or PostgreSQL."""
    refusal = (
        f"{name} must name a SQLite file (sqlite:////folder/file.sqlite3) or a PostgreSQL database "
        "(postgres://user:password@host:5432/name)."
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about an unknown engine, which is refused below
            found: dict[str, Any] = environ.Env.db_url_config(text(name, default))
    except ValueError as error:
        raise ImproperlyConfigured(refusal) from error
    engines = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}
    # An in-memory database would differ in each process.
    if found.get("ENGINE") not in engines or found.get("NAME") in {"", ":memory:", None}:
        raise ImproperlyConfigured(refusal)
    return found


def email(name: str, default: str) -> dict[str, Any]:
    """Returns Django's e-mail settings for the URL in variable `name`."""
    refusal = f"{name} must be like smtp+tls://user:password@host:587, or consolemail:// for the log."
    try:
        found: dict[str, Any] = environ.Env.email_url_config(text(name, default))
    except (ValueError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(refusal) from error
    if found["EMAIL_BACKEND"].endswith(".smtp.EmailBackend") and not found["EMAIL_HOST"]:
        raise ImproperlyConfigured(refusal)
    # A mail server that does not answer must not keep a visitor waiting for minutes.
    found.setdefault("EMAIL_TIMEOUT", 10)
    return found


def time_zone(name: str, default: str) -> str:
    """Returns the tz database time zone in variable `name`."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ImproperlyConfigured(
            f"{name} must be a time zone such as Europe/Berlin, not {value!r}."
        ) from error
    return value

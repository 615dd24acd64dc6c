"""Reading the environment: typed, with bounds, and a sentence when a value is wrong."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """The whole number in variable `name`, refused outside least..most."""
    try:
        value = env.int(name, default=default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {env.str(name)!r}.") from error
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name} must be between {least} and {most}, not {value}.")
    return int(value)


def boolean(name: str, default: bool) -> bool:
    """True or false in variable `name`; anything but the usual spellings of the two is refused."""
    text = env.str(name, default=str(default)).strip().lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}.")


def choice(name: str, default: str, allowed: Collection[str]) -> str:
    """One of the `allowed` words in variable `name`."""
    value = env.str(name, default=default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(allowed))}, not {value!r}.")
    return str(value)


def names(name: str, default: Collection[str]) -> list[str]:
    """A comma-separated list in variable `name`, blanks dropped."""
    return [part.strip() for part in env.list(name, default=list(default)) if part.strip()]


def folder(name: str, default: Path) -> Path:
    """An absolute folder in variable `name`; it is made by whoever writes into it first."""
    path = Path(env.str(name, default=str(default))).expanduser()
    if not path.is_absolute():
        raise ImproperlyConfigured(f"{name} must be an absolute path, not {str(path)!r}.")
    return path


def url(name: str, default: str, schemes: Collection[str]) -> str:
    """A URL in variable `name` with one of the given schemes."""
    value = env.str(name, default=default)
    if urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(
            f"{name} must start with {' or '.join(s + '://' for s in sorted(schemes))}."
        )
    return str(value)


def secret(name: str, *, when_missing: str | None) -> str:
    """A secret of at least 32 characters; `when_missing` stands in for it, None demands it."""
    value = env.str(name, default=when_missing or "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: give it 50 random characters, and keep them.")
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name} is too short: give it at least 32 random characters.")
    return str(value)


def required(name: str, *, why: str) -> str:
    """A text that must be there; `why` says what asks for it."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set, and it must be because {why}.")
    return str(value)

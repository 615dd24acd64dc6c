"""All URLs of the site, from its URLconf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


def all_of_them() -> dict[str, URLPattern]:
    """Returns the URL patterns by qualified name, or by pattern where there is none; the first of a name
    wins.
    """
    found: dict[str, URLPattern] = {}
    for name, pattern in _walk(get_resolver(), (), ""):
        found.setdefault(name, pattern)
    return found


def _walk(
    resolver: URLResolver | Any, spaces: tuple[str, ...], before: str
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield (
                ":".join([*spaces, pattern.name]) if pattern.name else before + str(pattern.pattern),
                pattern,
            )
        else:
            inner = (*spaces, pattern.namespace) if pattern.namespace else spaces
            yield from _walk(pattern, inner, before + str(pattern.pattern))

"""Serves the site below a path of its host: `https://example.org/cutouts/` instead of a host of its own.

Between `strip_prefix` and `restore_prefix` all code sees paths without the prefix (`/api/remove`). Django
gets the whole path, as ASGI requires, and strips the prefix by FORCE_SCRIPT_NAME, so redirects, `reverse` and
absolute URLs include it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.core.checks import CheckMessage, Error
from django.urls import get_resolver

from bgplatform.body_limit import Application, Receive, Scope, Send

MOVED: Final = 308


def strip_prefix(application: Application, prefix: str) -> Application:
    """Pass requests on without `prefix`, whether or not the proxy has already stripped it.

    Health probes from the same machine also come without it.
    """
    if not prefix:
        return application

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
        elif scope["path"] == prefix:
            await _redirect(scope, send, f"{prefix}/")
        else:
            path = scope["path"]
            inner = path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path
            await application({**scope, "path": inner, "root_path": ""}, receive, send)

    return outer


def restore_prefix(application: Application, prefix: str) -> Application:
    """Add the prefix again for Django."""
    if not prefix:
        return application

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": prefix + scope["path"], "root_path": prefix}
        await application(scope, receive, send)

    return inner


async def _redirect(scope: Scope, send: Send, path: str) -> None:
    # Cookies are scoped to the path with the slash.
    query = scope.get("query_string", b"")
    location = path.encode("ascii") + (b"?" + query if query else b"")
    headers = [(b"location", location), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": MOVED, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _first_segments(patterns: Sequence[Any]) -> Iterator[str]:
    """Yields the literal first segment of every URL pattern of the site."""
    for pattern in patterns:
        text = str(pattern.pattern).lstrip("^/*")
        if not text and hasattr(pattern, "url_patterns"):
            yield from _first_segments(pattern.url_patterns)
        elif found := re.match(r"(?:[\w.-]|\\.)+", text):
            yield found[0].replace("\\", "")


def check_prefix(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """System check: the prefix must not equal the first segment of one of the site's own paths."""
    from django.conf import settings

    first = settings.PATH_PREFIX.lstrip("/").partition("/")[0]
    own = {settings.STATIC_URL.rstrip("/").rpartition("/")[2], *_first_segments(get_resolver().url_patterns)}
    if first and first in own:
        return [Error(f"PATH_PREFIX cannot begin with /{first}: the site has addresses of that name.")]
    return []

"""A site under a path of its host: `https://example.org/cutouts/` instead of a host of its own.

Between `take_off` and `put_back` every part of ours sees addresses without the prefix (`/api/remove`). Django
itself gets the whole path, as ASGI wants it, and takes the prefix off by FORCE_SCRIPT_NAME: so redirects,
`reverse` and absolute addresses have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.core.checks import CheckMessage, Error
from django.urls import get_resolver

from bgplatform.body_limit import Application, Receive, Scope, Send

MOVED: Final = 308


def take_off(application: Application, prefix: str) -> Application:
    """Hand requests on without `prefix`, whether the proxy passes it on or has cut it off.

    Probes beside the process ask without it, too.
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


def put_back(application: Application, prefix: str) -> Application:
    """The whole path again, for Django."""
    if not prefix:
        return application

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": prefix + scope["path"], "root_path": prefix}
        await application(scope, receive, send)

    return inner


async def _redirect(scope: Scope, send: Send, path: str) -> None:
    # Cookies belong to what is below the slash.
    query = scope.get("query_string", b"")
    location = path.encode("ascii") + (b"?" + query if query else b"")
    headers = [(b"location", location), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": MOVED, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _beginnings(patterns: Sequence[Any]) -> Iterator[str]:
    """The first part of every address of ours, as far as it is a fixed word."""
    for pattern in patterns:
        text = str(pattern.pattern).lstrip("^/*")
        if not text and hasattr(pattern, "url_patterns"):
            yield from _beginnings(pattern.url_patterns)
        elif found := re.match(r"(?:[\w.-]|\\.)+", text):
            yield found[0].replace("\\", "")


def check_prefix(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """A prefix that is also the beginning of one of our own addresses cannot be told from it."""
    from django.conf import settings

    first = settings.PATH_PREFIX.lstrip("/").partition("/")[0]
    own = {settings.STATIC_URL.rstrip("/").rpartition("/")[2], *_beginnings(get_resolver().url_patterns)}
    if first and first in own:
        return [Error(f"PATH_PREFIX cannot begin with /{first}: the site has addresses of that name.")]
    return []

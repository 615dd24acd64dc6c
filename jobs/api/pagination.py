"""Keyset pagination with cursors in both directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from jobs.api.errors import RefusedError
from jobs.selectors import Page

M = TypeVar("M", bound=Model)

DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 100
PARAMETERS: Final = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        description="The page size.",
    ),
    OpenApiParameter("after", str, description="The page after this cursor; take the cursor from `next`."),
    OpenApiParameter(
        "before", str, description="The page before this cursor; take the cursor from `previous`."
    ),
]


def limit_of(request: Request) -> int:
    """The requested page size. Raises RefusedError outside 1 to MAX_LIMIT."""
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MAX_LIMIT):
        raise RefusedError("invalid_limit", f"A page has 1 to {MAX_LIMIT} entries.", "limit")
    return int(text)


def bad_cursor(field: str) -> RefusedError:
    """The error for an invalid cursor."""
    return RefusedError("invalid_cursor", "Use a cursor from `next` or `previous`, unchanged.", field)


def keyset(
    rows: QuerySet[M],
    request: Request,
    *,
    by: str = "pk",
    read: Callable[[str], Any] = UUID,
    downwards: bool = True,
) -> Page[M]:
    """A page of rows ordered by one unique field, whose text is the cursor.

    Raises RefusedError for an invalid limit or cursor.
    """
    most = limit_of(request)
    after, before = request.query_params.get("after", ""), request.query_params.get("before", "")
    backwards = bool(before) and not after
    if cursor := after or before:
        try:
            value = read(cursor)
        except (ValueError, OverflowError) as error:
            raise bad_cursor("before" if backwards else "after") from error
        rows = rows.filter(**{f"{by}__{'lt' if downwards != backwards else 'gt'}": value})
    found = list(rows.order_by(f"-{by}" if downwards != backwards else by)[: most + 1])
    more, items = len(found) > most, found[:most]
    if backwards:
        items.reverse()
    first, last = (str(getattr(items[at], by)) if items else "" for at in (0, -1))
    return Page(
        items,
        older=last if more or backwards else "",
        newer=first if (more if backwards else after) else "",
    )


def position(text: str) -> int:
    """Reads a cursor that is a small number. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def page_response(request: Request, page: Page[Any], results: Sequence[Any]) -> dict[str, Any]:
    """The response body of a page, with the URLs of its neighbours."""
    return {
        "results": results,
        "next": _address(request, after=page.older),
        "previous": _address(request, before=page.newer),
    }


def _address(request: Request, **cursor: str) -> str | None:
    if not any(cursor.values()):
        return None
    query = request.query_params.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    for name, value in cursor.items():
        query[name] = value
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")

"""Long lists in pages: keyset paging with cursors in both directions."""

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

USUAL: Final = 25
MOST: Final = 100
PARAMETERS: Final = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        description="How many at most.",
    ),
    OpenApiParameter("after", str, description="The page behind this cursor; take it from `next`."),
    OpenApiParameter("before", str, description="The page before this cursor; take it from `previous`."),
]


def limit_of(request: Request) -> int:
    """How many rows a page shall have. Raises RefusedError for what is no number of 1 to MOST."""
    text = request.query_params.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST):
        raise RefusedError("invalid_limit", f"A page has 1 to {MOST} entries.", "limit")
    return int(text)


def bad_cursor(field: str) -> RefusedError:
    """The refusal of a cursor that no page gave."""
    return RefusedError("invalid_cursor", "Take the cursor from the page before, as it is.", field)


def keyset(
    rows: QuerySet[M],
    request: Request,
    *,
    by: str = "pk",
    read: Callable[[str], Any] = UUID,
    downwards: bool = True,
) -> Page[M]:
    """A page of rows in the order of one field that no two share; its text is the cursor.

    Raises RefusedError for a limit or a cursor that is none.
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
    """A cursor that is a small number. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def paged(request: Request, page: Page[Any], results: Sequence[Any]) -> dict[str, Any]:
    """A page as it goes over the wire, with the addresses of its neighbours."""
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

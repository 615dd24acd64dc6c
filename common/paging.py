"""Pagination of long lists for staff: counting a million rows takes longer than showing one page."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Paginator

MOST: Final = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Counts at most MOST rows. Rows beyond them are found by search or filters."""

    @cached_property
    def count(self) -> int:
        """The number of rows, at most MOST."""
        rows: Any = self.object_list
        # Without annotations, which would be computed for each counted row.
        return int(rows.order_by().values("pk")[:MOST].count())

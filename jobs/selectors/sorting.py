"""Sort orders of the history, and their cursors for keyset pagination."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Lower

from jobs.models import Job

# Enough for a title of 255 characters with four bytes each.
LONGEST_CURSOR = 2000


class BadCursorError(ValueError):
    """A cursor that this site did not issue."""


@dataclass(frozen=True)
class Sort:
    """A sort order: a value of the row, then its id, both in the same direction, so that one index serves it.

    The id makes every position unique. A page starts after the last row's pair.
    """

    label: str
    by: Combinable
    downwards: bool
    write: Callable[[Any], str]
    read: Callable[[str], Any]

    def ordered(self, jobs: QuerySet[Job], *, backwards: bool = False) -> QuerySet[Job]:
        """Sorts the jobs in this order or its reverse. Annotates each with its `place`."""
        down = self.downwards != backwards
        keys = [key.desc() if down else key.asc() for key in (F("place"), F("pk"))]
        # As a dict: mypy takes a keyword argument for a redefinition.
        return jobs.annotate(**{"place": self.by}).order_by(*keys)  # noqa: PIE804

    def beyond(self, jobs: QuerySet[Job], cursor: str, *, backwards: bool = False) -> QuerySet[Job]:
        """Returns the jobs after a cursor in this order, or before it. Raises BadCursorError."""
        lookup = TupleLessThan if self.downwards != backwards else TupleGreaterThan
        return jobs.filter(lookup(Tuple(self.by, F("pk")), self._read_cursor(cursor)))

    def cursor(self, job: Job) -> str:
        """Returns the cursor of a job from `ordered`."""
        text = f"{self.write(job.place)}|{job.pk.hex}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _read_cursor(self, cursor: str) -> tuple[Any, UUID]:
        if len(cursor) > LONGEST_CURSOR:
            raise BadCursorError(cursor[:100])
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
            value, pk = text.rsplit("|", 1)
            return self.read(value), UUID(hex=pk)
        except (ValueError, OverflowError, binascii.Error) as error:
            raise BadCursorError(cursor) from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise BadCursorError(text)
    # Raises OverflowError if the conversion leaves the years 1 to 9999.
    return moment.astimezone(UTC)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadCursorError(text)
    return int(text)


def _title(text: str) -> str:
    if "\0" in text:
        raise BadCursorError(text)
    return text


# By name in the query string; the first is the default.
SORTS = {
    "": Sort("Newest first", F("created_at"), True, datetime.isoformat, _moment),
    "oldest": Sort("Oldest first", F("created_at"), False, datetime.isoformat, _moment),
    "pictures": Sort("Most pictures first", F("picture_count"), True, str, _count),
    "name": Sort("By name", Lower("title"), False, str, _title),
}

"""What staff search for in lists of a million rows. Every look-up here is bounded and uses an index."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accounts.models import User
from common.text import folded
from jobs.models import SearchText

# The newest jobs and the accounts that a search looks at.
MOST_JOBS: Final = 200
MOST_OWNERS: Final = 100


def as_id(term: str) -> UUID | None:
    """Returns the id that a term is, or None."""
    try:
        return UUID(term)
    except ValueError:
        return None


def owners(term: str) -> list[int]:
    """Returns the numbers of the newest accounts whose address contains the term, at most MOST_OWNERS."""
    found = User.objects.filter(email__icontains=term).order_by("-pk")
    return list(found.values_list("pk", flat=True)[:MOST_OWNERS])


def jobs_named(term: str) -> list[UUID]:
    """Returns the newest jobs with the term in their title or in a picture's name, at most MOST_JOBS."""
    found = SearchText.objects.filter(text__contains=folded(term)).order_by("-job")
    return list(found.values_list("job", flat=True)[:MOST_JOBS])

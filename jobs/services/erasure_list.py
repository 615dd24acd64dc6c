"""The list of erased accounts, kept in the file store, apart from the database.

A backup of the database brings back accounts that were erased after it. The list says which: it has one small
file for each erased account, named after the account's number and the time when it joined. Replaying the list
erases those accounts again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from django.utils import timezone

from accounts.models import Erasure, User
from jobs import storage
from jobs.services import erasure

logger = logging.getLogger(__name__)

PREFIX: Final = "erasures/"
AT_ONCE: Final = 500
_KEY: Final = re.compile(r"erasures/(\d{1,18})-(\d{8}T\d{6}\.\d{6})")


def replay() -> list[int]:
    """Erases, at once, the accounts that are listed and exist again. Returns their numbers.

    Raises StoreUnavailableError if the list cannot be read.
    """
    again: list[int] = []
    listed = _listed()
    while part := set(islice(listed, AT_ONCE)):
        again += _replay(part)
    return again


def _listed() -> Iterator[tuple[int, datetime]]:
    for stored in storage.keys(PREFIX):
        if found := _KEY.fullmatch(stored.key):
            joined = datetime.strptime(found[2], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
            yield int(found[1]), joined


def _replay(part: set[tuple[int, datetime]]) -> Iterable[int]:
    """Erases those of the accounts that exist, joined at the listed time, and are not being erased."""
    numbers = {number for number, _ in part}
    begun = Erasure.objects.filter(
        account__in=numbers, state__in=[Erasure.State.STARTED, Erasure.State.DELETING]
    )
    busy = set(begun.values_list("account", flat=True))
    present = User.objects.filter(pk__in=numbers).exclude(pk__in=busy)
    for user in present:
        if (user.pk, user.date_joined) in part:
            logger.warning("account %d was erased before the database was restored: erased again", user.pk)
            erasure.again(user, timezone.now())
            yield user.pk

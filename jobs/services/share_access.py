"""What visitors of a share may do how often: try passwords, download, report."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.hashers import check_password
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from common.rate_limit import Window, window
from jobs.errors import TooManyError
from jobs.models import Share

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """At most `most` of something in a window of `seconds`."""

    most: int
    seconds: int


# Wrong passwords of one client address, and of all addresses together, for one share.
ATTEMPTS_OF_ADDRESS: Final = Limit(10, 300)
ATTEMPTS_OF_SHARE: Final = Limit(200, 3_600)
# Downloads of one client address, for all shares together.
FILES: Final = Limit(1_000, 3_600)
ARCHIVES: Final = Limit(60, 3_600)
REPORTS: Final = Limit(5, 3_600)


def is_password(share: Share, password: str, address: str) -> bool:
    """Whether this is the share's password. Only wrong ones count: many visitors may have one address.

    Raises TooManyError where the address, or all together, tried too many wrong ones.
    """
    taken: list[tuple[Window, str]] = []
    for limit, name in (
        (ATTEMPTS_OF_ADDRESS, f"share-password:{share.pk}:{address}"),
        (ATTEMPTS_OF_SHARE, f"share-password:{share.pk}"),
    ):
        # Counted before the check, so that attempts at the same moment cannot pass the limit.
        taken.append((take(limit, name), name))
    if not check_password(password, share.password):
        return False
    for counted, name in taken:
        _give_back(counted, name)
    return True


def take(limit: Limit, name: str) -> Window:
    """Counts one of something. Returns its window. Raises TooManyError beyond the limit."""
    open_now = window(limit.seconds)
    try:
        allowed = open_now.take(name, 1, limit.most)[0]
    except RedisError as error:
        logger.warning("could not count %s: %s", name.partition(":")[0], error)
        return open_now
    if not allowed:
        raise TooManyError("too_many_requests", _("There were too many attempts. Wait, then try again."))
    return open_now


def take_file(address: str) -> None:
    """Counts the download of a file. Raises TooManyError."""
    take(FILES, f"share-files:{address}")


def take_archive(address: str) -> None:
    """Counts the download of an archive. Raises TooManyError."""
    take(ARCHIVES, f"share-archives:{address}")


def take_report(address: str) -> None:
    """Counts a report. Raises TooManyError."""
    take(REPORTS, f"share-reports:{address}")


def _give_back(counted: Window, name: str) -> None:
    try:
        counted.give_back(name, 1)
    except RedisError as error:
        logger.warning("could not give back %s: %s", name.partition(":")[0], error)

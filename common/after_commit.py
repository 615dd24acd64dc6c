"""What follows a commit. It must not turn what stands into an error: a fault of it is only logged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import ParamSpec

from django.db import transaction

logger = logging.getLogger(__name__)

P = ParamSpec("P")


def after_commit(act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call `act` once this transaction stands. The scheduler's next tick makes up for what fails here.

    Django's own `robust=True` is not enough: to log the fault it asks the function for its name, a `partial`
    has none, and that error skips every hook behind it.
    """
    transaction.on_commit(partial(_call, partial(act, *args, **kwargs)))


def _call(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:
        logger.exception("an on-commit callback failed; the transaction stays committed")

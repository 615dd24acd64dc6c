"""Improvements: pictures that are sent in because their cut-out was not good."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from accounts.services import quota
from jobs import names, storage
from jobs.models import Improvement
from jobs.services.calls import Source


def keep(user: User, source: Source, tag: str = "") -> Improvement:
    """Keep a picture for the staff to look at. Raises QuotaExceededError where there is no room for it."""
    made = Improvement(
        user=user,
        name=names.clean(source.name),
        tag=names.one_line(tag)[:255],
        size=len(source.data),
        format=source.info.format,
        width=source.info.width,
        height=source.info.height,
    )
    quota.check_storage(user, made.size)
    # The file first: a row never names what is not there.
    storage.write(made.key, source.data)
    with transaction.atomic():
        made.save(force_insert=True)
    return made

"""Exports of everything that an account has: ask for one, make it, delete it.

The courier makes an export in parts. Each part is one ZIP in the store, under a key that follows from the
export and the part's number. A process that dies costs at most the part that it was writing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import AuditAction, Storage, User
from accounts.services import audit
from common import mail
from common.after_commit import after_commit
from jobs import clock, storage
from jobs.errors import ExportRefusedError
from jobs.models import DataExport
from jobs.queue import background
from jobs.queue.background import Hold
from jobs.queue.claims import LeaseLostError
from jobs.selectors import account_files
from jobs.services import discards
from jobs.services.export_archive import Part
from jobs.storage import StoreFullError, StoreRefusedError, StoreUnavailableError

logger = logging.getLogger(__name__)

ACTOR: Final = "make_export"
MOST_ATTEMPTS: Final = 5
AT_ONCE: Final = 100
State = DataExport.State


def request(user: User, *, by_staff: bool = False, reason: str = "") -> DataExport:
    """Orders an export. Earlier ones of the account are deleted, so that each has one at most.

    Raises ExportRefusedError `export_running` while one is being made.
    """
    try:
        with transaction.atomic():
            _delete(DataExport.objects.filter(user=user).exclude(state=State.QUEUED))
            export = DataExport.objects.create(
                user=user, by_staff=by_staff, total=account_files.count(user.pk)
            )
            audit.record(AuditAction.EXPORT_REQUESTED, subject=user, on=export, reason=reason)
            after_commit(background.send, ACTOR, export)
    except IntegrityError as error:
        raise ExportRefusedError(
            "export_running", _("An export is being made already. Wait until it is ready.")
        ) from error
    return export


def delete(export: DataExport) -> None:
    """Deletes an export with its files. If it is being made, that stops."""
    with transaction.atomic():
        _delete([export])


def sweep() -> int:
    """Deletes exports whose time is over, with their files. Returns how many."""
    over = DataExport.objects.filter(expires_at__lt=clock.now()).order_by("pk")
    with transaction.atomic():
        return _delete(over[:AT_ONCE])


def send_due() -> int:
    """Sends messages for exports that no process makes; the scheduler calls it. Returns how many."""
    return background.send_due(ACTOR, DataExport.objects.filter(state=State.QUEUED))


def make(export: UUID) -> None:
    """Makes an export, from the part where an earlier process stopped. Safe to run twice."""
    hold = background.claim(DataExport.objects.filter(pk=export, state=State.QUEUED).select_related("user"))
    if hold is None:
        return
    try:
        hold.update(attempts=F("attempts") + 1)
        _check_room(hold.row)
        while not _write_part(hold):
            pass
        _finish(hold, state=State.READY)
    except LeaseLostError:
        logger.info("export %s was deleted, or another process makes it", export)
    except StoreFullError:
        _fail(
            hold,
            "store_full",
            _("The site has no room for the export at the moment. Try again later, or ask its staff."),
        )
    except StoreUnavailableError as error:
        # The scheduler sends another message. The attempt does not count.
        logger.warning("export %s waits for the store: %s", export, error)
        hold.release(attempts=F("attempts") - 1)
    except (StoreRefusedError, OSError, ValueError):
        logger.exception("export %s failed", export)
        if hold.row.attempts + 1 < MOST_ATTEMPTS:
            hold.release()
        else:
            _fail(
                hold, "internal_error", _("The export failed. Try again; if it fails again, ask the staff.")
            )
    except BaseException:
        hold.release()
        raise


def _check_room(export: DataExport) -> None:
    """Raises StoreFullError if the files of the account do not fit into the store once more."""
    used = Storage.objects.filter(user=export.user_id).values_list("bytes", flat=True).first() or 0
    storage.check_room(max(0, used - export.size))


def _write_part(hold: Hold[DataExport]) -> bool:
    """Writes the next part. Returns whether it is the last one. Raises LeaseLostError if it is not wanted."""
    export = hold.row
    number = len(export.parts) + 1
    part = Part(export, number, lambda files: hold.renew(done=export.done + files))
    key = storage.export_key(export.pk, number)
    storage.write_chunks(key, part.chunks())
    export.parts, export.cursor = [*export.parts, part.size], part.cursor
    export.done += part.files
    try:
        hold.update(parts=export.parts, cursor=export.cursor, done=export.done)
    except LeaseLostError:
        if not DataExport.objects.filter(pk=export.pk).exists():
            with transaction.atomic():
                discards.discard([key])
        raise
    return part.is_last


def _finish(hold: Hold[DataExport], **fields: Any) -> None:
    now = clock.now()
    until = now + timedelta(days=settings.EXPORT_DAYS)
    with transaction.atomic():
        if not hold.release(finished_at=now, expires_at=until, **fields):
            raise LeaseLostError(str(hold.row.pk))
        _notify(DataExport.objects.select_related("user").get(pk=hold.row.pk))


def _fail(hold: Hold[DataExport], code: str, sentence: str) -> None:
    """Ends an export without a result, and deletes the parts that it has."""
    keys = [*hold.row.keys, storage.export_key(hold.row.pk, len(hold.row.parts) + 1)]
    try:
        with transaction.atomic():
            discards.discard(keys)
            _finish(hold, state=State.FAILED, error_code=code, error_sentence=sentence, parts=[])
    except LeaseLostError:
        logger.info("export %s was deleted while it failed", hold.row.pk)


def _notify(export: DataExport) -> None:
    """Mails the owner that an export is ready or has failed."""
    if export.user.is_active:
        name = "mail/export_ready" if export.state == State.READY else "mail/export_failed"
        mail.send(name, export.user.email, {"export": export, "page": mail.address("jobs:data")})


def _delete(exports: Iterable[DataExport]) -> int:
    rows = list(exports)
    # A part that is being written may exist without being in the row yet.
    keys = [key for row in rows for key in (*row.keys, storage.export_key(row.pk, len(row.parts) + 1))]
    discards.discard(keys)
    DataExport.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)

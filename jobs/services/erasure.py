"""The erasure of an account: everything that belongs to it is deleted, in slices.

The courier does it. Each step reads what is left, so a process that dies costs nothing, and running it twice
does no harm. docs/decisions/ has the reasons.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q

from accounts import locks
from accounts.models import AuditAction, Erasure, Storage, User
from accounts.services import audit, erasures, sessions
from common import mail
from common.after_commit import after_commit
from jobs import clock, storage
from jobs.errors import GoneError
from jobs.models import Job, Picture
from jobs.queue import background
from jobs.queue.background import Hold
from jobs.queue.claims import LeaseLostError
from jobs.services import erasure_steps, removal
from jobs.storage import StoreUnavailableError

logger = logging.getLogger(__name__)

ACTOR: Final = "erase_account"
# Jobs that a request itself cancels; the courier cancels further ones.
JOBS_AT_ONCE: Final = 20
State = Erasure.State


def request(user: User, *, at_once: bool, by_staff: bool = False, reason: str = "") -> Erasure:
    """Closes an account, stops its work, and has it erased. See `accounts.services.erasures.request`."""
    with transaction.atomic():
        erasure = erasures.request(user, at_once=at_once, by_staff=by_staff, reason=reason)
        after_commit(cancel_jobs, user.pk)
        after_commit(background.send, ACTOR, erasure)
    return erasure


def again(user: User, now: datetime) -> Erasure:
    """Erases, at once, an account that was erased before and came back with a restored database."""
    with transaction.atomic():
        locks.hold_user(user.pk)
        known = Erasure.objects.filter(account=user.pk).exclude(state=State.DONE)
        if not known.update(due_at=now):
            Erasure.objects.create(account=user.pk, joined_at=user.date_joined, due_at=now)
        User.objects.filter(pk=user.pk).update(is_active=False)
        sessions.end_all(user.pk)
        erasure = known.get()
        audit.record(
            AuditAction.ERASURE_REQUESTED, subject=user, on=erasure, reason="replayed after a restore"
        )
        after_commit(background.send, ACTOR, erasure)
    return erasure


def cancel_jobs(user: int) -> bool:
    """Cancels the next active jobs of an account. Returns whether there may be more."""
    jobs = Job.objects.filter(user=user, state=Job.State.ACTIVE).order_by("pk")[:JOBS_AT_ONCE]
    found = list(jobs)
    for job in found:
        with suppress(GoneError):
            removal.cancel(job)
    return bool(found)


def send_due() -> int:
    """Sends messages for erasures that have work to do; the scheduler calls it. Returns how many."""
    due = Q(state=State.WAITING) & (Q(stopped_at__isnull=True) | Q(due_at__lte=clock.now()))
    return background.send_due(
        ACTOR, Erasure.objects.filter(due | Q(state__in=[State.STARTED, State.DELETING]))
    )


def work(erasure: int) -> None:
    """Does what is due of an erasure. Safe to run twice."""
    hold = background.claim(Erasure.objects.filter(pk=erasure).exclude(state=State.DONE))
    if hold is None:
        return
    try:
        _stop(hold)
        if _begin(hold):
            _prepare(hold)
            erasure_steps.delete_all(hold.row.account, hold.renew)
            while not _finish(hold):
                # A request that had begun before the account was closed has added something.
                erasure_steps.delete_all(hold.row.account, hold.renew)
    except LeaseLostError:
        logger.info("erasure %s is done, cancelled, or another process works on it", erasure)
        return
    except StoreUnavailableError as error:
        # The scheduler sends another message.
        logger.warning("erasure %s waits for the store: %s", erasure, error)
    finally:
        hold.release()


def _stop(hold: Hold[Erasure]) -> None:
    """Cancels the account's work and deletes its sessions, also those that no table names."""
    if hold.row.stopped_at is not None:
        return
    account = hold.row.account
    while cancel_jobs(account):
        hold.renew()
    for user in User.objects.filter(pk=account, date_joined=hold.row.joined_at):
        erasure_steps.delete_sessions(user, hold.renew)
    hold.update(stopped_at=clock.now())


def _begin(hold: Hold[Erasure]) -> bool:
    """Begins the deletion if it is due. Returns whether it has begun."""
    hold.rows.filter(state=State.WAITING, due_at__lte=clock.now()).update(state=State.STARTED)
    hold.row.refresh_from_db()
    return hold.row.state != State.WAITING


def _prepare(hold: Hold[Erasure]) -> None:
    """Lists the account as erased, and counts what it has. From here on, nothing brings it back."""
    row = hold.row
    if row.state != State.STARTED:
        return
    storage.write(storage.erasure_key(row.account, row.joined_at), b"erased\n")
    user = User.objects.filter(pk=row.account, date_joined=row.joined_at).first()
    if user is not None:
        erasure_steps.delete_sessions(user, hold.renew)
        erasure_steps.delete_admin_log(user.pk)
    used = Storage.objects.filter(user=row.account).values_list("bytes", flat=True).first() or 0
    hold.update(
        state=State.DELETING,
        jobs=Job.objects.filter(user=row.account).count(),
        pictures=Picture.objects.filter(user=row.account).count(),
        bytes=used,
    )
    row.refresh_from_db()


def _finish(hold: Hold[Erasure]) -> bool:
    """Deletes the account itself, if nothing with a file is left. Returns whether it is done."""
    row = hold.row
    with transaction.atomic():
        held = locks.fetch_held(
            User.objects.filter(pk=row.account, date_joined=row.joined_at), to_delete=True
        )
        if held and erasure_steps.has_files(row.account):
            return False
        for user in held:
            erasure_steps.delete_user(user)
        now = clock.now()
        if not hold.release(state=State.DONE, done_at=now):
            raise LeaseLostError(str(row.pk))
        facts = {"jobs": row.jobs, "pictures": row.pictures, "bytes": row.bytes}
        audit.record(AuditAction.ERASED, subject=row.account, on=row, facts=facts)
        row.done_at = now
        for user in held:
            context = {"erasure": row, "number": row.account, **facts}
            mail.send("mail/erased", user.email, context)
    return True

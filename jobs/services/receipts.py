"""Receipts: a record for the owner of what was deleted, and a mail if staff deleted it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from django.db.models import QuerySet

from accounts.models import AuditAction, User
from accounts.services import audit
from common import mail
from common.after_commit import after_commit
from jobs.models import Job, Picture, Receipt
from jobs.services import titles

# A mail lists at most this many deletions.
NAMED: Final = 20


def of_jobs(jobs: Collection[Job], reason: str, note: str = "") -> None:
    """Writes receipts for jobs that are about to be deleted. Call it in the transaction that deletes them."""
    _write(
        [
            Receipt(
                user_id=job.user_id,
                job=job.pk,
                title=job.title,
                picture_count=job.picture_count,
                reason=reason,
                note=note,
                job_created_at=job.created_at,
            )
            for job in jobs
        ]
    )


def of_pictures(pictures: QuerySet[Picture], reason: str, note: str = "") -> None:
    """Writes receipts for pictures that are about to be deleted: one per job.

    If a job loses all its pictures, the receipt is for the whole job.
    """
    names: defaultdict[Job, list[str]] = defaultdict(list)
    for picture in pictures.select_related("job").order_by("job", "position"):
        names[picture.job].append(picture.name)
    whole = [job for job, gone in names.items() if len(gone) == job.picture_count]
    of_jobs(whole, reason, note)
    _write(
        [
            Receipt(
                user_id=job.user_id,
                job=job.pk,
                title=titles.of_pictures(gone[0], len(gone)),
                picture_count=len(gone),
                whole=False,
                reason=reason,
                note=note,
                job_created_at=job.created_at,
            )
            for job, gone in names.items()
            if job not in whole
        ]
    )


def _write(receipts: list[Receipt]) -> None:
    Receipt.objects.bulk_create(receipts, batch_size=500)
    by_user: defaultdict[int, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        if receipt.reason == Receipt.Reason.STAFF:
            by_user[receipt.user_id].append(receipt)
    for user, theirs in by_user.items():
        audit.record_many(
            AuditAction.DELETED,
            [
                (
                    user,
                    "jobs.Job",
                    str(receipt.job),
                    {"pictures": receipt.picture_count, "whole": receipt.whole},
                )
                for receipt in theirs
            ],
            reason=theirs[0].note,
        )
        after_commit(_notify_owner, user, theirs)


def _notify_owner(user: int, receipts: list[Receipt]) -> None:
    owner = User.objects.filter(pk=user, is_active=True).first()
    if owner is None:
        return
    mail.send(
        "mail/pictures_deleted",
        owner.email,
        {
            "named": [(receipt.title, receipt.picture_count) for receipt in receipts[:NAMED]],
            "more": max(0, len(receipts) - NAMED),
            "reason": receipts[0].note,
            "page": mail.address("jobs:deleted"),
        },
    )

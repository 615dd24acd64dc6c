"""Claims: one worker at a time works on a picture, and its result counts only while its lease does."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts import locks
from common.deadlocks import again_after_deadlock
from jobs import clock
from jobs.models import Job, Picture
from jobs.services import charging, progress
from jobs.webhooks import notifications

logger = logging.getLogger(__name__)

EXPIRED_AT_ONCE = 500
WORKER_LOST = "worker_lost"
WORKER_LOST_SENTENCE = (
    "The worker broke off on this picture every time. Save it anew in another format, and try again."
)


@dataclass(frozen=True)
class Claim:
    """A picture and the token under which this worker holds it."""

    picture: Picture
    token: UUID


class LeaseLostError(Exception):
    """The claim no longer counts: cancelled, deleted, or given to another worker. Its result is dropped."""


def was_tried(picture: UUID) -> bool:
    """Whether an attempt on a picture was broken off: it may be what broke it, and has to run alone."""
    return Picture.objects.filter(pk=picture, attempts__gt=0).exists()


def claim(picture: UUID, *, token: UUID | None = None, alone: bool = True) -> Claim | None:
    """Take a queued picture, counting the attempt; None where it is not queued (any more).

    token: the caller's own, where it may have to ask twice. alone: whether nothing else runs in this process;
    a picture that was tried before is not taken otherwise.
    """
    token = token or uuid4()
    now = clock.now()
    with transaction.atomic():
        free = Picture.objects.filter(pk=picture, state=Picture.State.QUEUED)
        taken = (free if alone else free.filter(attempts=0)).update(
            state=Picture.State.RUNNING,
            attempts=F("attempts") + 1,
            lease_token=token,
            lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
            started_at=now,
            dispatched_at=now,
        )
        if not taken and not Picture.objects.filter(pk=picture, lease_token=token).exists():
            return None
        row = Picture.objects.select_related("job").get(pk=picture)
        progress.tell_picture(row.job_id, row.pk, row.state)
    return Claim(row, token)


@again_after_deadlock
def renew(tokens: Collection[UUID]) -> int:
    """Extend the leases of claims that this process still works on; how many still count."""
    until = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        held = locks.hold(Picture.objects.filter(lease_token__in=tokens, state=Picture.State.RUNNING))
        return Picture.objects.filter(pk__in=held).update(lease_until=until)


def end(claim: Claim, state: str, **facts: object) -> None:
    """Close a claim with the picture's final state. Raises LeaseLostError where it no longer counts.

    Call it in the transaction that writes the results, so that they stand or fall together. It locks the job,
    so that of two pictures that end at once the second knows whether it is the last.
    """
    with transaction.atomic(savepoint=False):
        locks.hold(Job.objects.filter(pk=claim.picture.job_id))
        ended = _held(claim).update(
            state=state,
            lease_token=None,
            lease_until=None,
            dispatched_at=None,
            finished_at=clock.now(),
            **facts,
        )
        if ended:
            notifications.pictures_ended([claim.picture.pk])
            progress.settle(claim.picture.job_id)
            progress.tell_picture(claim.picture.job_id, claim.picture.pk, state)
    if not ended:
        raise LeaseLostError(str(claim.picture.pk))


def fail(claim: Claim, code: str, sentence: str) -> None:
    """Close a claim as failed, and take the charge back: nothing came of it."""
    with transaction.atomic():
        end(claim, Picture.State.FAILED, error_code=code, error_sentence=sentence[:500], charged_at=None)
        charging.refund(charging.of(claim.picture), code)


def give_back(claim: Claim, code: str, sentence: str) -> None:
    """After a fault that is not the picture's: queue it again with back-off; at the last attempt, fail it."""
    if claim.picture.attempts >= settings.MAX_ATTEMPTS:
        fail(claim, code, sentence)
        return
    with transaction.atomic():
        back = _held(claim).update(
            state=Picture.State.QUEUED,
            lease_token=None,
            lease_until=None,
            dispatched_at=None,
            not_before=clock.now() + timedelta(seconds=2**claim.picture.attempts),
        )
        if not back:
            raise LeaseLostError(str(claim.picture.pk))
        progress.tell_picture(claim.picture.job_id, claim.picture.pk, Picture.State.QUEUED)


def postpone(claim: Claim) -> None:
    """Queue a picture again because what it needs is away; that is no attempt of its own."""
    with transaction.atomic():
        back = _held(claim).update(
            state=Picture.State.QUEUED,
            attempts=F("attempts") - 1,
            lease_token=None,
            lease_until=None,
            dispatched_at=None,
            not_before=clock.now() + timedelta(seconds=settings.STORE_PAUSE_SECONDS),
        )
        if not back:
            raise LeaseLostError(str(claim.picture.pk))
        progress.tell_picture(claim.picture.job_id, claim.picture.pk, Picture.State.QUEUED)


@again_after_deadlock
def expire_leases() -> int:
    """Queue again what dead workers held, fail what broke its worker every time; how many of both."""
    now = clock.now()
    running = Picture.objects.filter(state=Picture.State.RUNNING)
    clock.rein_in(running, "lease_until", timedelta(seconds=settings.LEASE_SECONDS))
    lapsed = running.filter(lease_until__lt=now)
    rows = list(lapsed.values_list("pk", "job_id", "attempts")[:EXPIRED_AT_ONCE])
    hopeless = [pk for pk, _, attempts in rows if attempts >= settings.MAX_ATTEMPTS]
    again = [pk for pk, _, attempts in rows if attempts < settings.MAX_ATTEMPTS]
    with transaction.atomic():
        locks.hold(Job.objects.filter(pk__in={job for pk, job, _ in rows if pk in set(hopeless)}))
        locks.hold(lapsed.filter(pk__in=[pk for pk, _, _ in rows]))
        count = lapsed.filter(pk__in=again).update(
            state=Picture.State.QUEUED, lease_token=None, lease_until=None, dispatched_at=None
        )
        given_up = lapsed.filter(pk__in=hopeless)
        charges = charging.standing(given_up)
        count += given_up.update(
            state=Picture.State.FAILED,
            lease_token=None,
            lease_until=None,
            dispatched_at=None,
            finished_at=now,
            charged_at=None,
            error_code=WORKER_LOST,
            error_sentence=WORKER_LOST_SENTENCE,
        )
        notifications.pictures_ended(hopeless)
        for job in {job for pk, job, _ in rows if pk in set(hopeless)}:
            progress.settle(job)
        for pk, job, attempts in rows:
            state = Picture.State.FAILED if attempts >= settings.MAX_ATTEMPTS else Picture.State.QUEUED
            progress.tell_picture(job, pk, state)
        charging.refund(charges, WORKER_LOST)
    return count


def _held(claim: Claim):  # type: ignore[no-untyped-def]  # a QuerySet whose class as_manager() hides
    return Picture.objects.filter(pk=claim.picture.pk, state=Picture.State.RUNNING, lease_token=claim.token)

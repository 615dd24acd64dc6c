"""Tags: words that a user puts on jobs to find them again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from accounts import locks
from accounts.models import User
from common import names
from common.deadlocks import again_after_deadlock
from jobs.errors import GoneError, TagRefusedError
from jobs.models import Job, Tag

TAGS_A_JOB = 20
TAGS_A_USER = 200


@again_after_deadlock
def add(job: Job, name: str) -> Tag:
    """Put a tag on a job of its owner's; one that is there in another case stays as it was written first.

    Raises TagRefusedError for a name that is none, or too long, and where there are too many already, and
    GoneError for a job that was deleted.
    """
    name = _checked(name)
    with transaction.atomic():
        _hold(job)
        return _put_on(job, name)


@again_after_deadlock
def replace(job: Job, wanted: Sequence[str]) -> None:
    """Give a job these tags and no others; those that it wears already stay as they were written first.

    All or nothing: raises TagRefusedError as `add` does, and GoneError for a job that was deleted; nothing
    is written then.
    """
    checked = [_checked(name) for name in wanted]
    with transaction.atomic():
        # Of two at once the second replaces what the first set.
        _hold(job)
        keep = {name.casefold() for name in checked}
        for tag in job.tags.order_by("pk"):
            if tag.name.casefold() in keep:
                keep.discard(tag.name.casefold())
            else:
                _take_off(job, tag)
        for name in checked:
            _put_on(job, name)


@again_after_deadlock
def remove(job: Job, name: str) -> bool:
    """Take a tag off a job; whether it was there. One that no job wears any more is gone.

    Raises GoneError for a job that was deleted.
    """
    with transaction.atomic():
        _hold(job)
        tag = job.tags.filter(name=name).first()
        if tag is None:
            return False
        _take_off(job, tag)
    return True


@again_after_deadlock
def sweep(users: Collection[int]) -> int:
    """Delete these users' tags that no job wears any more, because it was deleted; how many."""
    with transaction.atomic():
        locks.hold(User.objects.filter(pk__in=users))
        deleted: int = Tag.objects.filter(user__in=users, jobs__isnull=True).delete()[0]
    return deleted


def _checked(name: str) -> str:
    """A name as it is kept. Raises TagRefusedError for one that is none, or too long."""
    name = names.one_line(name)
    if not name:
        raise TagRefusedError("tag_empty", "A tag needs at least one letter.")
    if len(name) > Tag.MAX_LENGTH:
        raise TagRefusedError("tag_too_long", f"A tag has at most {Tag.MAX_LENGTH} letters.")
    return name


def _hold(job: Job) -> None:
    """The user's row is the lock of their tags: what is counted stays so until the transaction ends.

    Raises GoneError for a job that was deleted, so that no tag is put on what is not there.
    """
    locks.hold_user(job.user_id)
    if not locks.hold(Job.objects.filter(pk=job.pk)):
        raise GoneError


def _put_on(job: Job, name: str) -> Tag:
    mine = Tag.objects.filter(user=job.user_id)
    tag = _same(job.tags.all(), name)
    if tag is not None:
        return tag
    if job.tags.count() >= TAGS_A_JOB:
        raise TagRefusedError("too_many_tags", f"A job has at most {TAGS_A_JOB} tags.")
    # The database has a word in it, too: each of them folds a few letters its own way.
    tag = _same(mine, name) or mine.alias(folded=Lower("name")).filter(folded=Lower(Value(name))).first()
    if tag is None:
        if mine.count() >= TAGS_A_USER:
            raise TagRefusedError(
                "too_many_tags", f"You have {TAGS_A_USER} tags, and that is all there is room for."
            )
        tag = Tag.objects.create(user_id=job.user_id, name=name)
    job.tags.add(tag)
    return tag


def _same(rows: QuerySet[Tag, Tag], name: str) -> Tag | None:
    """The first written of these tags that differs from a name in case alone.

    Compared here, as SQLite knows no letters but English ones; nobody has more than TAGS_A_USER.
    """
    folded = name.casefold()
    return next((tag for tag in rows.order_by("pk") if tag.name.casefold() == folded), None)


def _take_off(job: Job, tag: Tag) -> None:
    job.tags.remove(tag)
    if not tag.jobs.exists():
        tag.delete()

"""Tags: labels that users put on jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from accounts import locks
from accounts.models import User
from common.deadlocks import again_after_deadlock
from jobs import names
from jobs.errors import GoneError, TagRefusedError
from jobs.models import Job, Tag

TAGS_A_JOB = 20
TAGS_A_USER = 200


@again_after_deadlock
def add(job: Job, name: str) -> Tag:
    """Adds a tag to a job. A tag that exists in another case keeps its spelling.

    Raises TagRefusedError if the name is empty or too long, or if there are too many tags. Raises GoneError
    if the job was deleted.
    """
    name = _checked(name)
    with transaction.atomic():
        _hold(job)
        return _put_on(job, name)


@again_after_deadlock
def replace(job: Job, wanted: Sequence[str]) -> None:
    """Gives a job exactly these tags. Existing tags keep their spelling.

    All or nothing: raises TagRefusedError as `add` does, and GoneError if the job was deleted; writes nothing
    then.
    """
    checked = [_checked(name) for name in wanted]
    with transaction.atomic():
        # Of two concurrent calls, the second replaces the result of the first.
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
    """Removes a tag from a job. Returns whether it was there. Deletes the tag if no job has it any more.

    Raises GoneError if the job was deleted.
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
    """Deletes these users' tags that are left without a job. Returns how many."""
    with transaction.atomic():
        locks.hold(User.objects.filter(pk__in=users))
        deleted: int = Tag.objects.filter(user__in=users, jobs__isnull=True).delete()[0]
    return deleted


def _checked(name: str) -> str:
    """Normalizes a tag name. Raises TagRefusedError if it is empty or too long."""
    name = names.one_line(name)
    if not name:
        raise TagRefusedError("tag_empty", "A tag needs at least one letter.")
    if len(name) > Tag.MAX_LENGTH:
        raise TagRefusedError("tag_too_long", f"A tag has at most {Tag.MAX_LENGTH} letters. Shorten it.")
    return name


def _hold(job: Job) -> None:
    """Locks the user, so that counts of their tags stay valid until the transaction ends.

    Raises GoneError if the job was deleted.
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
        raise TagRefusedError("too_many_tags", f"A job has at most {TAGS_A_JOB} tags. Remove one first.")
    # Python and the database fold a few letters differently, so check with both.
    tag = _same(mine, name) or mine.alias(folded=Lower("name")).filter(folded=Lower(Value(name))).first()
    if tag is None:
        if mine.count() >= TAGS_A_USER:
            raise TagRefusedError(
                "too_many_tags", f"You have {TAGS_A_USER} tags, the most that are allowed. Remove one first."
            )
        tag = Tag.objects.create(user_id=job.user_id, name=name)
    job.tags.add(tag)
    return tag


def _same(rows: QuerySet[Tag, Tag], name: str) -> Tag | None:
    """Returns the oldest of these tags that equals the name when case is ignored, or None.

    Compared in Python, because SQLite folds ASCII only. A user has at most TAGS_A_USER tags.
    """
    folded = name.casefold()
    return next((tag for tag in rows.order_by("pk") if tag.name.casefold() == folded), None)


def _take_off(job: Job, tag: Tag) -> None:
    job.tags.remove(tag)
    if not tag.jobs.exists():
        tag.delete()

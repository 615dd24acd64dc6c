"""Tags: words that a user puts on jobs to find them again."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower

from accounts.models import User
from jobs import names
from jobs.errors import TagRefusedError
from jobs.models import Job, Tag

TAGS_A_JOB = 20
TAGS_A_USER = 200


def add(job: Job, name: str) -> Tag:
    """Put a tag on a job of its owner's; one that is there in another case stays as it was written first.

    Raises TagRefusedError for a name that is none, or too long, and where there are too many already.
    """
    name = names.one_line(name)
    if not name:
        raise TagRefusedError("tag_empty", "A tag needs at least one letter.")
    if len(name) > Tag.MAX_LENGTH:
        raise TagRefusedError("tag_too_long", f"A tag has at most {Tag.MAX_LENGTH} letters.")
    with transaction.atomic():
        # The user's row is the lock: what is counted here stays so until the tag is there.
        User.objects.select_for_update().get(pk=job.user_id)
        mine = Tag.objects.filter(user=job.user_id)
        tag: Tag | None = mine.alias(folded=Lower("name")).filter(folded=Lower(Value(name))).first()
        if job.tags.count() >= TAGS_A_JOB and not (tag and job.tags.filter(pk=tag.pk).exists()):
            raise TagRefusedError("too_many_tags", f"A job has at most {TAGS_A_JOB} tags.")
        if tag is None:
            if mine.count() >= TAGS_A_USER:
                raise TagRefusedError(
                    "too_many_tags", f"You have {TAGS_A_USER} tags, and that is all there is room for."
                )
            tag = Tag.objects.create(user_id=job.user_id, name=name)
        job.tags.add(tag)
    return tag


def remove(job: Job, name: str) -> bool:
    """Take a tag off a job; whether it was there. One that no job wears any more is gone."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=job.user_id)
        tag = job.tags.filter(name=name).first()
        if tag is None:
            return False
        job.tags.remove(tag)
        if not tag.jobs.exists():
            tag.delete()
    return True


def sweep(users: Collection[int]) -> int:
    """Delete these users' tags that no job wears any more, because it was deleted; how many."""
    with transaction.atomic():
        list(User.objects.select_for_update().filter(pk__in=users).order_by("pk").values_list("pk"))
        deleted: int = Tag.objects.filter(user__in=users, jobs__isnull=True).delete()[0]
    return deleted

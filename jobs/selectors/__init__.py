"""All queries for pages and the API. Results are bounded, and so is the number of queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Count, F, QuerySet, Sum, Window, prefetch_related_objects
from django.db.models.functions import RowNumber

from accounts.models import User
from common.text import folded
from jobs.models import Continuation, Job, Matte, Picture, Rendition, RenditionRequest
from jobs.selectors import search
from jobs.selectors.sorting import SORTS

JOBS_PER_PAGE = 25
PICTURES_PER_PAGE = 60
FIRST_PICTURES = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, with the cursors of the pages before and after: "" if there is none."""

    items: list[T]
    older: str
    newer: str


def history(
    user: User,
    *,
    older: str = "",
    newer: str = "",
    wanted: Mapping[str, Any] | None = None,
    most: int = JOBS_PER_PAGE,
) -> Page[Job]:
    """Returns a page of a user's jobs, each with its counts, first pictures and tags.

    Every order uses keyset pagination.

    wanted: the cleaned data of a search.HistoryForm. most: jobs per page. Raises sorting.BadCursorError.
    """
    wanted = wanted or {}
    sort = SORTS[wanted.get("sort") or ""]
    rows: QuerySet[Job] = search.narrow(Job.objects.for_user(user), user, wanted)
    if newer or older:
        rows = sort.beyond(rows, newer or older, backwards=bool(newer))
    found = list(sort.ordered(rows, backwards=bool(newer))[: most + 1])
    more = len(found) > most
    jobs = found[:most]
    if newer:
        jobs.reverse()
    _attach_counts(jobs)
    _attach_first_pictures(jobs)
    prefetch_related_objects(jobs, "tags")
    return Page(
        jobs,
        older=sort.cursor(jobs[-1]) if jobs and (more or newer) else "",
        newer=sort.cursor(jobs[0]) if jobs and (more if newer else older) else "",
    )


def job_of(user: User, job: UUID) -> Job:
    """Returns one job of this user with its counts. Raises Job.DoesNotExist for another user's."""
    found: Job = Job.objects.for_user(user).get(pk=job)
    _attach_counts([found])
    return found


def jobs_of(user: User, jobs: Collection[UUID]) -> list[Job]:
    """Returns those of these jobs that belong to this user, newest first."""
    return list(Job.objects.for_user(user).filter(pk__in=jobs))


def pictures_of(job: Job, *, start: int = 0, state: str = "", name: str = "") -> Page[Picture]:
    """Returns a page of a job's pictures in order, from position `start` on. Cursors are positions.

    state, name: only pictures in this state, or with this text in their name.
    """
    start = max(0, start)
    wanted = Picture.objects.filter(job=job)
    if state:
        wanted = wanted.filter(state=state)
    if name:
        # Not in SQL: SQLite, and PostgreSQL with the locale C, ignore case for ASCII only. A job is bounded.
        text = folded(name)
        rows = wanted.values_list("position", "name")
        wanted = wanted.filter(position__in=[position for position, named in rows if text in folded(named)])
    shown = wanted.select_related("feedback").filter(position__gte=start)
    found = list(shown.order_by("position")[: PICTURES_PER_PAGE + 1])
    more = len(found) > PICTURES_PER_PAGE
    pictures = found[:PICTURES_PER_PAGE]
    attach_renditions(pictures)
    return Page(
        pictures,
        older=str(pictures[-1].position + 1) if more else "",
        newer=_page_before(wanted, start) if start else "",
    )


def _page_before(wanted: QuerySet[Picture], start: int) -> str:
    before = wanted.filter(position__lt=start).order_by("-position").values_list("position", flat=True)
    positions = list(before[:PICTURES_PER_PAGE])
    return str(positions[-1]) if positions else ""


def some_pictures_of(job: Job, ids: Sequence[UUID]) -> list[Picture]:
    """Returns these pictures of a job, in the job's order, each with its feedback."""
    rows = Picture.objects.filter(job=job, pk__in=ids).select_related("feedback")
    pictures = list(rows.order_by("position"))
    attach_renditions(pictures)
    return pictures


def picture_of(user: User, picture: UUID) -> Picture:
    """Returns one picture of this user. Raises Picture.DoesNotExist for another user's."""
    found: Picture = Picture.objects.for_user(user).select_related("job").get(pk=picture)
    attach_renditions([found])
    return found


def attach_renditions(pictures: Sequence[Picture]) -> None:
    """Sets each picture's `rendition`: the newest of its newest matte, or None. One query for all."""
    newest = (
        Rendition.objects.filter(picture__in=pictures)
        .annotate(
            rank=Window(
                RowNumber(),
                partition_by=[F("picture_id")],
                order_by=[F("matte__revision").desc(), F("created_at").desc(), F("id").desc()],
            )
        )
        .filter(rank=1)
    )
    by_picture = {rendition.picture_id: rendition for rendition in newest} if pictures else {}
    for picture in pictures:
        picture.rendition = by_picture.get(picture.pk)


def every_picture_of(job: Job) -> list[Picture]:
    """Returns all pictures of a job in order, each with its rendition. Submit limits a job's size."""
    pictures = list(Picture.objects.filter(job=job).order_by("position"))
    attach_renditions(pictures)
    return pictures


def in_flight_of(user: int) -> int:
    """Returns how many pictures of a user are queued, running or unwritten. Each query has an index."""
    mine = Picture.objects.filter(user=user)
    waiting = mine.filter(state=Picture.State.QUEUED, dispatched_at__isnull=True)
    sent = mine.filter(state__in=[Picture.State.QUEUED, Picture.State.RUNNING], dispatched_at__isnull=False)
    unwritten = Continuation.objects.filter(user=user).aggregate(n=Sum("to_run", default=0))["n"]
    return int(unwritten) + waiting.count() + sent.count()


def reserved_of(user: int) -> int:
    """Returns the bytes reserved for the results of a user's queued and running work."""
    open_rows = (
        model.objects.filter(user=user, state__in=["queued", "running"]).order_by()
        for model in (Picture, RenditionRequest)
    )
    # Read the unwritten pictures first: a slice written in between then counts twice rather than not at all.
    unwritten = Continuation.objects.filter(user=user).order_by()
    return sum(rows.aggregate(total=Sum("reserved", default=0))["total"] for rows in (unwritten, *open_rows))


def known_matte(user: int, source_digest: str, matte_digest: str) -> Matte | None:
    """Returns a model-made matte of an identical picture of this user, or None."""
    return (
        Matte.objects.filter(
            picture__user=user,
            picture__source_digest=source_digest,
            picture__state=Picture.State.DONE,
            matte_digest=matte_digest,
            origin=Matte.Origin.MODEL,
        )
        .select_related("picture")
        .first()
    )


def newest_matte(picture: Picture) -> Matte | None:
    """Returns the current matte: the highest revision."""
    return Matte.objects.filter(picture=picture).order_by("-revision").first()


def _attach_counts(jobs: Sequence[Job]) -> None:
    # A page may cover 100,000 pictures, most of them done. Count the others and subtract.
    counted = (
        Picture.objects.filter(job__in=jobs, state__in=Picture.NOT_DONE)
        .order_by()
        .values_list("job", "state")
        .annotate(n=Count("*"))
        if jobs
        else []
    )
    for job in jobs:
        unwritten = Picture.State.CANCELLED if job.state == Job.State.CANCELLED else Picture.State.QUEUED
        job.counts = {
            **dict.fromkeys(Picture.State.values, 0),
            Picture.State.DONE: job.picture_count - job.to_come,
        }
        job.counts[unwritten] = job.to_come
    by_id = {job.pk: job for job in jobs}
    for pk, state, count in counted:
        by_id[pk].counts[state] += count
        by_id[pk].counts[Picture.State.DONE] -= count


def _attach_first_pictures(jobs: Sequence[Job]) -> None:
    # The first positions are 0, 1, 2, … unless pictures were deleted: good enough for a row of thumbnails.
    # Load only the fields that a page of a hundred thumbnails needs.
    wanted = Picture.objects.filter(job__in=jobs, position__lt=FIRST_PICTURES).order_by("position")
    rows = wanted.only("job", "position", "state", "thumb_key", "hidden_at") if jobs else []
    firsts: dict[UUID, list[Picture]] = {job.pk: [] for job in jobs}
    for picture in rows:
        firsts[picture.job_id].append(picture)
    for job in jobs:
        job.first_pictures = firsts[job.pk]

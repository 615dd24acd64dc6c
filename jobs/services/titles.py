"""Generated job titles: `cat.png and 2 more`, with ` (2)` at the end for a second run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db.models import Min

from jobs.models import Job, Picture

MAX_LENGTH: Final = 255
# Earlier runs of a title whose numbers are read.
MOST_RUNS: Final = 1_000
_RUN: Final = re.compile(r"(?P<title>.+) \((?P<run>[2-9]|[1-9][0-9]{1,2})\)")
_SEVERAL: Final = re.compile(r"(?P<first>.+) and [1-9][0-9]* more")


def of_pictures(first: str, count: int) -> str:
    """Returns the title of a job with `count` pictures, of which the first is called `first`."""
    return first if count == 1 else f"{first} and {count - 1} more"


def of_next_run(job: Job, names: Sequence[str]) -> str:
    """Returns the title of another run of a job: the same title with the next free number.

    names: those of the pictures that run again, which may be fewer.
    """
    base, last = _split_run_number(job.title)
    runs = Job.objects.filter(user=job.user_id, title__startswith=f"{base} (").order_by("-pk")
    parted = [_split_run_number(title) for title in runs.values_list("title", flat=True)[:MOST_RUNS]]
    last = max((run for title, run in parted if title == base), default=last)
    if _first(base) in names:
        base = of_pictures(names[0], len(names))
    return _with_run_number(base, last + 1)


def first_names(jobs: Collection[UUID]) -> Mapping[UUID, str]:
    """Returns, by job, the picture name in each generated title. Leaves out titles that users wrote.

    Call it before pictures are deleted, and pass the result to `after_deletion`.
    """
    wanted = {pk: _first(title) for pk, title in Job.objects.filter(pk__in=jobs).values_list("pk", "title")}
    there = set(
        Picture.objects.filter(job__in=jobs, name__in=set(wanted.values())).values_list("job", "name")
    )
    return {pk: name for pk, name in wanted.items() if (pk, name) in there}


def after_deletion(named: Mapping[UUID, str]) -> None:
    """Updates generated titles after a deletion: the first remaining name and the number of pictures."""
    jobs = {job.pk: job for job in Job.objects.filter(pk__in=named)}
    firsts = Picture.objects.filter(job__in=jobs).values("job").annotate(first=Min("position")).order_by()
    places = {row["job"]: row["first"] for row in firsts}
    rows = Picture.objects.filter(job__in=jobs, position__in=set(places.values()))
    changed: list[Job] = []
    for job, position, name in rows.values_list("job", "position", "name"):
        if places.get(job) != position:
            continue
        found = jobs[job]
        title = _with_run_number(of_pictures(name, found.picture_count), _split_run_number(found.title)[1])
        if title != found.title:
            found.title = title
            changed.append(found)
    Job.objects.bulk_update(changed, ["title"], batch_size=500)


def _first(title: str) -> str:
    base, _ = _split_run_number(title)
    several = _SEVERAL.fullmatch(base)
    return several["first"] if several else base


def _split_run_number(title: str) -> tuple[str, int]:
    run = _RUN.fullmatch(title)
    return (run["title"], int(run["run"])) if run else (title, 1)


def _with_run_number(base: str, run: int) -> str:
    end = f" ({run})" if run > 1 else ""
    return _cut(base, end) + end


def _cut(base: str, end: str) -> str:
    return base[: MAX_LENGTH - len(end)]

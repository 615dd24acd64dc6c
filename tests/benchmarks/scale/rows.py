"""Fills a database with pictures by SQL: accounts of four shapes, and many ordinary ones."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from accounts.models import Plan, User
from jobs.models import Job, Matte, Picture, Rendition, Upload
from jobs.queue import messages
from jobs.services import tags
from jobs.services.lines import PICTURES
from segmentation.recipe import Recipe

USERS = 200
LARGEST_JOB = 5000
# Ranges of batch sizes, and how many of a hundred jobs are in each.
SIZES = (((1, 1), 45), ((2, 10), 25), ((11, 100), 18), ((101, 1000), 10), ((1001, LARGEST_JOB), 2))
CAMERAS = ("IMG", "DSC", "P10", "shoe", "chair", "lamp", "portrait")
RARE = "heron-at-dawn.jpg"


@dataclass
class Account:
    """A user of the filled database, with the job of its job page and the job to download."""

    name: str
    user: User
    sizes: list[int]
    jobs: list[UUID] = field(default_factory=list)

    @property
    def largest(self) -> UUID:
        """The job with the most pictures."""
        return self.jobs[self.sizes.index(max(self.sizes))]


def fill(pictures: int) -> dict[str, Account]:
    """Writes about `pictures` pictures and all their related rows; returns the measured accounts by name."""
    dice = random.Random(5)
    accounts = _accounts(pictures, dice)
    now = timezone.now()
    with connection.cursor() as cursor:
        # The rows are consistent by construction; checking each one would take minutes.
        cursor.execute("SET session_replication_role = replica")
        for number, account in enumerate(accounts):
            waiting = number >= 4
            _copy_jobs(cursor, account, _moments(now, len(account.sizes), dice), waiting, dice)
        _insert_pictures(cursor, [account.largest for account in accounts[:4]])
        cursor.execute("SET session_replication_role = DEFAULT")
    for account in accounts[:4]:
        _tag(account)
    _send_what_is_in_flight()
    Plan.objects.filter(is_default=True).update(keep_days=3650)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return {account.name: account for account in accounts[:4]}


def _accounts(pictures: int, dice: random.Random) -> list[Account]:
    users = User.objects.bulk_create([User(email=f"user{n}@example.org", password="!") for n in range(USERS)])
    tenth = pictures // 10
    large = max(LARGEST_JOB * tenth // 100_000, 2)
    shapes = {
        # One with a tenth of all pictures, the newest in large batches, one of 1,000 to download.
        "many": [*_batches(tenth - 6 * large, large, dice), max(tenth // 100, 1), *[large] * 5],
        # Programs send pictures one by one.
        "single": [1] * (pictures // 50),
        # A page of the history with only large batches.
        "large": [large * 4 // 5] * 25,
        # The baseline for the others' numbers of queries.
        "few": [3] * 30,
    }
    rest = pictures - sum(map(sum, shapes.values()))
    each = rest // (USERS - 4)
    queued = tenth // (USERS - 4)
    ordinary = [[*_batches(each - queued, large, dice), queued] for _ in range(USERS - 4)]
    names = [*shapes, *["ordinary"] * len(ordinary)]
    return [
        Account(name, user, sizes)
        for name, user, sizes in zip(names, users, [*shapes.values(), *ordinary], strict=True)
    ]


def _batches(total: int, largest: int, dice: random.Random) -> list[int]:
    """Returns job sizes that add up to `total`."""
    made: list[int] = []
    ranges, weights = zip(*SIZES, strict=True)
    while total > 0:
        low, high = dice.choices(ranges, weights)[0]
        made.append(min(dice.randint(low, high), largest, total))
        total -= made[-1]
    return made


def _moments(now: datetime, count: int, dice: random.Random) -> list[datetime]:
    """Returns creation times of this many jobs, over two years, the oldest first."""
    return sorted(now - timedelta(seconds=dice.uniform(60, 2 * 365 * 86400)) for _ in range(count))


def _copy_jobs(
    cursor: object, account: Account, moments: Sequence[datetime], waiting: bool, dice: random.Random
) -> None:
    recipes = [Recipe(model=model) for model in ("u2net", "u2netp")]
    texts = [json.dumps(recipe.as_dict()) for recipe in recipes]
    rows = []
    for number, (size, moment) in enumerate(zip(account.sizes, moments, strict=True)):
        active = waiting and number == len(moments) - 1
        which = dice.random() < 0.1
        state = "active" if active else "cancelled" if number % 15 == 3 else "finished"
        camera = dice.choice(CAMERAS)
        pk = UUID(int=_uuid7(moment, dice))
        account.jobs.append(pk)
        rows.append(
            {
                "id": pk,
                "user_id": account.user.pk,
                "title": f"{camera}_{dice.randrange(10_000):04}.jpg"
                + (f" and {size - 1} more" if size > 1 else ""),
                "origin": "api" if number % 11 == 5 else "web",
                "lane": "batch",
                "recipe": texts[which],
                "recipe_digest": recipes[which].digest,
                "state": state,
                "pinned": number % 50 == 7,
                "picture_count": size,
                "created_at": moment,
                "finished_at": None if active else moment + timedelta(minutes=5),
            }
        )
    columns = _with_defaults(Job, rows[0])
    names = ", ".join(columns)
    with cursor.copy(f"COPY jobs_job ({names}) FROM STDIN") as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row([row.get(name, default) for name, default in columns.items()])


def _uuid7(moment: datetime, dice: random.Random) -> int:
    milliseconds = int(moment.timestamp() * 1000)
    return milliseconds << 80 | 7 << 76 | dice.getrandbits(12) << 64 | 2 << 62 | dice.getrandbits(62)


def _with_defaults(model: type[models.Model], given: Iterable[str]) -> dict[str, object]:
    """Returns the given columns, and the other required columns with their defaults."""
    columns: dict[str, object] = dict.fromkeys(given)
    for column in model._meta.concrete_fields:
        if column.column not in columns and not column.null and not column.primary_key:
            columns[column.column] = column.get_db_prep_save(column.get_default(), connection)
    return columns


def insert(cursor: object, model: type[models.Model], columns: dict[str, str], source: str) -> None:
    """Inserts a row for each row of `source`; columns that are not given get their defaults."""
    rest = {name: value for name, value in _with_defaults(model, columns).items() if name not in columns}
    names = ", ".join([*columns, *rest])
    values = ", ".join([*columns.values(), *["%s"] * len(rest)])
    cursor.execute(  # type: ignore[attr-defined]
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {values} FROM {source}",  # noqa: S608  # all of it is ours
        [*rest.values()],
    )


def _insert_pictures(cursor: object, shown: Sequence[UUID]) -> None:
    """Inserts the pictures of all jobs. Each job in `shown`, whose pages are compared, has a failed
    picture."""
    run = cursor.execute  # type: ignore[attr-defined]
    failing = ", ".join(f"'{job}'" for job in shown)
    cameras = "ARRAY[" + ", ".join(f"'{camera}'" for camera in CAMERAS) + "]"
    insert(
        cursor,
        Picture,
        {
            "id": "gen_random_uuid()",
            "job_id": "job.id",
            "user_id": "job.user_id",
            "position": "place",
            "lane": "job.lane",
            "name": f"({cameras})[1 + mod(abs(hashtext(job.id::text)) + place / 97, {len(CAMERAS)})]"
            " || '_' || lpad(mod(abs(hashtext(job.id::text)) + place, 10000)::text, 4, '0') || '.jpg'",
            "source_key": "'sources/' || gen_random_uuid()",
            "source_size": "3000000",
            "format": "'jpeg'",
            "width": "4000",
            "height": "3000",
            "thumb_key": "CASE WHEN job.state = 'active' THEN '' ELSE 'thumbs/' || job.id || place END",
            "state": "CASE WHEN job.state = 'active' THEN 'queued' ELSE kind END",
            "error_code": "CASE WHEN kind = 'failed' THEN 'broken_picture' ELSE '' END",
            "error_sentence": "CASE WHEN kind = 'failed' THEN 'It is broken.' ELSE '' END",
            "dispatched_at": f"CASE WHEN job.state = 'active' AND place < {settings.WINDOW} THEN now() END",
            "queued_at": "job.created_at",
            "started_at": "CASE WHEN job.state = 'active' THEN NULL ELSE job.created_at END",
            "finished_at": "job.finished_at",
            "confidence": "0.9",
        },
        "jobs_job AS job, LATERAL generate_series(0, job.picture_count - 1) AS place, LATERAL (SELECT CASE"
        " WHEN job.state = 'finished' AND mod(place, 30) = 0"
        f" AND (mod(abs(hashtext(job.id::text)), 10) = 0 OR job.id IN ({failing}))"
        " THEN 'failed' WHEN job.state = 'cancelled' AND mod(place, 2) = 1 THEN 'cancelled'"
        " ELSE 'done' END AS kind) AS fate",
    )
    run(
        "UPDATE jobs_picture SET name = %s WHERE id IN (SELECT DISTINCT ON (job.user_id) picture.id"
        " FROM jobs_job AS job JOIN jobs_picture AS picture ON picture.job_id = job.id"
        " ORDER BY job.user_id, job.created_at, picture.position)",
        [RARE],
    )
    run(
        "INSERT INTO jobs_searchtext (job_id, user_id, text) SELECT job.id, job.user_id,"
        " lower(job.title || E'\\n' || string_agg(picture.name, E'\\n' ORDER BY picture.position))"
        " FROM jobs_job AS job JOIN jobs_picture AS picture ON picture.job_id = job.id GROUP BY job.id"
    )
    finished = (
        "jobs_picture AS picture JOIN jobs_job AS job ON job.id = picture.job_id WHERE picture.state = 'done'"
        " AND (picture.position < 60 OR job.picture_count = 1000)"
    )
    size = {"width": "4000", "height": "3000", "created_at": "picture.finished_at"}
    matte = {
        "id": "picture.id",
        "picture_id": "picture.id",
        "revision": "1",
        "origin": "'model'",
        "matte_digest": "''",
        "key": "'mattes/' || picture.id",
        **size,
    }
    insert(cursor, Matte, matte, finished)
    rendition = {
        "id": "picture.id",
        "picture_id": "picture.id",
        "matte_id": "picture.id",
        "recipe": "job.recipe",
        "recipe_digest": "job.recipe_digest",
        "key": "'renditions/' || picture.id",
        "preview_key": "'previews/' || picture.id",
        "media_type": "'image/png'",
        "extension": "'png'",
        "size": "64",
        **size,
    }
    insert(cursor, Rendition, rendition, finished)
    upload = {
        "id": "substr(source_key, 9)::uuid",
        "user_id": "user_id",
        "name": "name",
        "announced_size": "3000000",
        "state": "'submitted'",
        "size": "3000000",
        "format": "'jpeg'",
        "width": "4000",
        "height": "3000",
        "created_at": "queued_at",
    }
    insert(cursor, Upload, upload, "jobs_picture")


def _tag(account: Account) -> None:
    """Adds a common tag and a rare one."""
    jobs = Job.objects.filter(user=account.user).order_by("created_at")
    tags.add(jobs[0], "Rare")
    common = tags.add(jobs[1], "Common")
    through = Job.tags.through
    chosen = [pk for number, pk in enumerate(jobs.values_list("pk", flat=True)) if number % 3 == 2]
    through.objects.bulk_create([through(job_id=pk, tag=common) for pk in chosen])


def _send_what_is_in_flight() -> None:
    """Sends the messages of all rows in the dispatched state, as a broker without losses would hold them."""
    sent = Picture.objects.filter(state="queued", dispatched_at__isnull=False)
    for route in PICTURES.routes:
        for pk, at in sent.filter(route.rows).values_list("pk", "dispatched_at"):
            messages.send(route, pk, at)

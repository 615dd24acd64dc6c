"""Fills what staff read, by SQL: the audit log, cases with flags, feedback, daily
figures and refused pictures."""

from __future__ import annotations

from typing import Final

from django.db import connection, models

from accounts.models import ApiToken, AuditAction, AuditEntry, AuditOrigin, Entry, User
from jobs.models import Case, Feedback, Flag, FlagKind, Job, RefusedPicture
from jobs.models.figures import COUNTERS, CountedDay, DailyFailures, DailyFigures, DailyTimes
from tests.benchmarks.scale.rows import insert

# For a million pictures.
AUDIT: Final = 100_000
CASES: Final = 20_000
FEEDBACK: Final = 50_000
REFUSED: Final = 100_000
ENTRIES: Final = 100_000
OF: Final = 1_000_000


def fill(pictures: int) -> None:
    """Writes the rows in proportion to the number of pictures, which exist already."""
    share = pictures / OF
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        _audit(cursor, round(AUDIT * share))
        _cases(cursor, round(CASES * share))
        _feedback(cursor, round(FEEDBACK * share))
        _figures(cursor)
        _refused(cursor, round(REFUSED * share))
        _ledger(cursor, round(ENTRIES * share))
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def _one_of(values: list[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"(ARRAY[{listed}])[1 + mod(n, {len(values)})]"


def _user(n: str = "n") -> str:
    first, last = User.objects.aggregate(models.Min("pk"), models.Max("pk")).values()
    return f"{first} + mod({n}, {last - first + 1})"


def _moment(count: int) -> str:
    """Over two years, the oldest first."""
    return f"now() - make_interval(secs => ({count} - n) * {2 * 365 * 86_400 / count})"


def _audit(cursor: object, count: int) -> None:
    row = {
        "at": _moment(count),
        "action": _one_of(AuditAction.values),
        "actor": _user(),
        "by_staff": "mod(n, 10) = 0",
        "subject": _user("n / 7"),
        "kind": "'jobs.Picture'",
        "target": "gen_random_uuid()::text",
        "reason": "CASE WHEN mod(n, 10) = 0 THEN 'looked into it' ELSE '' END",
        "facts": "'{}'",
    }
    series = f"generate_series(1, {count}) AS n"
    insert(cursor, AuditEntry, row, series)
    origin = {"entry_id": "id", "address": "('10.1.' || mod(id, 256) || '.' || mod(id, 250) + 1)::inet"}
    insert(cursor, AuditOrigin, origin, f"{AuditEntry._meta.db_table} WHERE mod(id, 5) > 0")


def _cases(cursor: object, count: int) -> None:
    """Every second case is open. Each is about a picture and has a flag."""
    row = {
        "id": "picture.id",
        "user_id": "picture.user_id",
        "kind": "'picture'",
        "target": "picture.id",
        "picture_id": "picture.id",
        "state": "CASE WHEN mod(picture.n, 2) = 0 THEN 'open' ELSE 'decided' END",
        "severity": "1 + mod(picture.n, 3)",
        "created_at": "picture.finished_at",
        "decided_at": "CASE WHEN mod(picture.n, 2) = 0 THEN NULL ELSE picture.finished_at END",
    }
    insert(cursor, Case, row, _done(count))
    flag = {
        "case_id": "id",
        "kind": f"'{FlagKind.EXPLICIT_CONTENT}'",
        "score": "0.9",
        "facts": "'{}'",
        "created_at": "created_at",
    }
    insert(cursor, Flag, flag, Case._meta.db_table)


def _feedback(cursor: object, count: int) -> None:
    row = {
        "picture_id": "picture.id",
        "user_id": "picture.user_id",
        "verdict": "CASE WHEN mod(picture.n, 5) = 0 THEN 'down' ELSE 'up' END",
        "reasons": "'[]'",
        "words": "''",
        "model": "'u2net'",
        "refinement": "'fast'",
        "matte_revision": "1",
        "recipe_digest": "repeat('d', 64)",
        "origin": "'web'",
        "created_at": "picture.finished_at",
        "updated_at": "picture.finished_at",
    }
    insert(cursor, Feedback, row, _done(count))


def _figures(cursor: object) -> None:
    """Two years of daily figures: each model, refinement and origin on each day."""
    days = "generate_series(0, 729) AS n"
    day = {"day": "current_date - n"}
    figures = {
        **day,
        "model": "model",
        "refinement": "refinement",
        "origin": "origin",
        **dict.fromkeys(COUNTERS, "50 + mod(n, 7)"),
    }
    groups = ", ".join(
        f"unnest(ARRAY[{', '.join(repr(value) for value in values)}]) AS {name}"
        for name, values in {
            "model": ["u2net", "u2netp"],
            "refinement": ["off", "fast", "best"],
            "origin": [*Job.Origin.values],
        }.items()
    )
    insert(cursor, DailyFigures, figures, f"{days}, {groups}")
    codes = "unnest(ARRAY['broken_picture', 'unknown_foreground', 'internal_error']) AS code"
    insert(cursor, DailyFailures, {**day, "code": "code", "count": "3"}, f"{days}, {codes}")
    times = {**day, "lane": "lane", "kind": "kind", "bucket": "bucket", "count": "5"}
    kinds = "unnest(ARRAY['interactive', 'batch']) AS lane, unnest(ARRAY['waiting', 'processing']) AS kind"
    insert(cursor, DailyTimes, times, f"{days}, {kinds}, generate_series(60, 89) AS bucket")
    insert(cursor, CountedDay, {**day, "counted_at": "now()"}, days)


def _refused(cursor: object, count: int) -> None:
    row = {
        "sha256": "encode(sha256(n::text::bytea), 'hex')",
        "size": "1000000 + n",
        "phash": "('x' || substr(md5(n::text), 1, 16))::bit(64)::bigint",
        **{
            f"band{number}": f"('x' || substr(md5(n::text), {13 - 4 * number}, 4))::bit(16)::int"
            for number in range(4)
        },
        "note": "'refused'",
        "added_by": "1",
        "created_at": "now()",
    }
    insert(cursor, RefusedPicture, row, f"generate_series(1, {count}) AS n")


def _ledger(cursor: object, count: int) -> None:
    entry = {
        "user_id": _user(),
        "kind": "'charge'",
        "pictures": "1",
        "pixels": "12000000",
        "job": "gen_random_uuid()",
        "month": f"date_trunc('month', {_moment(count)})::date",
        "at": _moment(count),
    }
    insert(cursor, Entry, entry, f"generate_series(1, {count}) AS n")
    token = {
        "user_id": _user(),
        "name": "'token ' || n",
        "prefix": "lpad(to_hex(n), 8, '0')",
        "digest": "encode(sha256(n::text::bytea), 'hex')",
        "scopes": "'[]'",
        "created": _moment(count),
    }
    insert(cursor, ApiToken, token, f"generate_series(1, {max(count // 100, 1)}) AS n")


def _done(count: int) -> str:
    """Pictures that are done, numbered."""
    rows = "SELECT id, user_id, finished_at, row_number() OVER ()::int AS n FROM jobs_picture"
    return f"({rows} WHERE state = 'done' LIMIT {count}) AS picture"

"""Fills, measures, prints. Called with the settings of the databases that were started for it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import django

from tests.benchmarks.scale.limits import DOWNLOAD, PEOPLE, STAFF, Limit

MOST_QUERIES = 20


def say(text: str) -> None:
    """Prints a line and flushes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(args: argparse.Namespace) -> int:
    """Runs everything; returns 1 if a check fails."""
    django.setup()
    from django.db import connections

    try:
        return _measure(args)
    finally:
        # PostgreSQL's shutdown waits for all connections to close.
        connections.close_all()


def _measure(args: argparse.Namespace) -> int:
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User
    from jobs.models import Picture
    from tests.benchmarks.scale import requests, rows, staff_rows

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    start = time.monotonic()
    accounts = rows.fill(args.pictures)
    staff_rows.fill(args.pictures)
    say(f"filled with {Picture.objects.count():,} pictures in {time.monotonic() - start:.0f} s")
    staff = User.objects.create_superuser("staff@example.org", "correct horse battery staple")
    if args.only_plans:
        # Small tables are scanned sequentially however good their indexes are: with this setting only if
        # there is no index.
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")

    table = Table(args.times, only_plans=args.only_plans)
    if not args.only_staff:
        asks = {name: requests.pages_of(account) for name, account in accounts.items()}
        for page in asks["many"]:
            table.line(page, {name: asks[name][page] for name in accounts})
        zips = {name: requests.zip_start(accounts[name]) for name in ("many", "few")}
        table.line("ZIP, first byte", zips, DOWNLOAD)
    for name, lists in requests.admin_lists(staff).items():
        table.line(name, lists, STAFF, constant=True)
    for name, ask in requests.admin_searches(staff).items():
        table.line(name, {"many": ask}, STAFF)
    for name, ask in (requests.moderation() | requests.rounds()).items():
        table.line(name, {"many": ask})
    return table.end()


class Table:
    """Prints one row per request, as soon as it is measured."""

    def __init__(self, times: int, *, only_plans: bool) -> None:
        self._times = times
        self._only_plans = only_plans
        self._wrong: list[str] = []
        self._few = 0
        say(
            "| milliseconds: median / p95 | queries | many: 100,000 pictures | large: 25 jobs of 4,000 "
            "| single: 20,000 jobs of one |\n|---|---|---|---|---|"
        )

    def line(
        self,
        name: str,
        asks: dict[str, Callable[[], object]],
        limit: Limit = PEOPLE,
        *,
        constant: bool = False,
    ) -> None:
        """Measures one request for each account; the account with few pictures sets the number of queries.

        constant: no more queries than for few rows of this very page.
        """
        from tests.benchmarks.scale.measure import looked_at, measure

        got = {
            account: looked_at(ask) if self._only_plans or account == "few" else measure(ask, self._times)
            for account, ask in asks.items()
        }
        few = got.pop("few", None)
        if constant and few is not None:
            allowed = few.queries
        else:
            # Some pages of the small account are empty and run fewer queries than a full one.
            self._few = max(self._few, few.queries if few else 0)
            allowed = self._few if few else MOST_QUERIES
        most = max(one.queries for one in got.values())
        if most > allowed:
            self._wrong.append(f"{name}: {most} queries, {allowed} with few pictures")
        for account, one in got.items():
            self._wrong += [f"{name} ({account}): reads all pictures: {sql}" for sql in one.scans]
            if one.times and not one.within(limit):
                self._wrong.append(f"{name} ({account}): {one} ms")
        cells = [
            str(got[account]) if account in got and got[account].times else ""
            for account in ("many", "large", "single")
        ]
        say(f"| {name} | {most} | {' | '.join(cells)} |")

    def end(self) -> int:
        """Prints the failed checks."""
        for sentence in self._wrong:
            say(sentence)
        say("everything holds" if not self._wrong else f"{len(self._wrong)} things do not hold")
        return bool(self._wrong)

"""`python -m tests.faults.storm --pictures 500`: parts fail at random, and nothing may get lost.

Five clients upload and submit through the real web while workers get SIGKILL, Valkey is killed and comes back
empty, PostgreSQL is killed and restarted, and the S3 store (SeaweedFS) is stopped and refuses writes. Then
rows and files are checked, and the exit code is the verdict. See docs/operations.md.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import timedelta
from pathlib import Path

import django

from bgplatform.local.console import say
from tests.faults import weather
from tests.faults.parts import Platform
from tests.faults.people import KINDS, Person
from tests.faults.verdict import Verdict, judge_files, judge_rows
from tests.seaweed import client_for
from tests.waiting import until

PEOPLE = 5
WORKERS = ["worker-a", "worker-b"]
END_SECONDS = 240.0
SETTINGS = {
    "LEASE_SECONDS": "6",
    "DISPATCH_SECONDS": "1",
    "REDISPATCH_SECONDS": "10",
    "STORE_PAUSE_SECONDS": "2",
    "TASK_SECONDS": "12",
    # A picture may be hit three times by chance here, unlike in production.
    "MAX_ATTEMPTS": "5",
}


def main() -> int:
    """The command line; see the module docstring. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.storm", description=__doc__)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the faults and the pictures; 0: another each time"
    )
    parser.add_argument("--short", action="store_true", help="a short storm, for every day")
    chosen = parser.parse_args()
    seed = chosen.seed or random.SystemRandom().randrange(1, 10**6)
    weather.stop_here()
    with tempfile.TemporaryDirectory(prefix="bgp-storm-", ignore_cleanup_errors=True) as folder:
        platform = Platform(Path(folder))
        try:
            verdict = storm(
                platform, chosen.pictures, seed, weather.SHORT if chosen.short else weather.Program()
            )
            if verdict.wrong:
                say(platform.log.read_text(errors="replace")[-20_000:])
        finally:
            platform.stop()
    for name, value in verdict.counts.items():
        say(f"{name:>48}  {value}")
    for wrong in verdict.wrong:
        say(f"WRONG: {wrong}")
    end = "something is wrong" if verdict.wrong else "nothing was lost, nothing doubled"
    say(f"The storm is over; {end}.")
    return 1 if verdict.wrong else 0


def storm(platform: Platform, pictures: int, seed: int, program: weather.Program) -> Verdict:
    """Run one storm over `pictures` pictures and return the verdict."""
    say(f"A storm over {pictures} pictures of {PEOPLE} people, seed {seed}")
    environment = platform.start_servers(**SETTINGS)
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="bgplatform.settings")
    django.setup()
    people = prepare(platform.address, pictures, seed, program)
    expected = Counter(
        name.split("-")[0] for person in people for batch in person.batches for name, _ in batch
    )
    platform.run_web()
    platform.run_scheduler()
    for name in WORKERS:
        platform.run_worker(name)
    until(lambda: answers(f"{platform.address}/readyz"), "the platform is ready", 120)
    began = time.monotonic()
    rage = weather.Weather(platform, program, WORKERS, seed)
    rage.begin()
    for person in people:
        person.start()
    for person in people:
        person.join()
    until(rage.raged, "every part was hit often enough", 180)
    rage.calm()
    calm = time.monotonic()
    verdict = Verdict()
    errors = [repr(person.error) for person in people if person.error]
    verdict.must("people who gave up", errors, [])
    until(ended, "every picture has ended", END_SECONDS)
    verdict.counts["seconds of storm"] = round(calm - began)
    verdict.counts["seconds until all had ended"] = round(time.monotonic() - calm)
    for what in sorted(rage.hits):
        verdict.counts[what] = rage.hits[what]
    verdict.counts["requests that people tried again"] = sum(person.retries for person in people)
    verdict.counts["writes that the store refused"] = platform.gateway.refused if platform.gateway else 0
    verdict.must("restarts of the web", platform.restarts("web"), 0)
    verdict.must("restarts of the scheduler", platform.restarts("scheduler"), 0)
    verdict.counts["restarts of workers"] = sum(platform.restarts(name) for name in WORKERS)
    judge(platform, expected, verdict)
    return verdict


def prepare(address: str, pictures: int, seed: int, program: weather.Program) -> list[Person]:
    """Create the tables, the clients with their sessions, and what they will submit."""
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from accounts.models import User

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    chance = random.Random(seed)
    kinds = kinds_of(pictures, chance, program.fatal)
    spread = program.store_seconds * 3
    people = []
    for number in range(PEOPLE):
        user = User.objects.create_user(f"person{number}@example.org", None)
        client = Client()
        client.force_login(user, backend="accounts.backends.AuthenticationBackend")
        mine = kinds[number::PEOPLE]
        files = [
            (f"{kind}-{number}-{index}.png", KINDS[kind](seed + index * PEOPLE + number))
            for index, kind in enumerate(mine)
        ]
        steps = range(0, len(files), program.batch)
        batches = [files[start : start + program.batch] for start in steps]
        pauses = [chance.uniform(0, 2 * spread / len(batches)) for _ in batches]
        people.append(Person(address, client.cookies["sessionid"].value, batches, pauses))
    connection.close()
    return people


def kinds_of(pictures: int, chance: random.Random, fatal: list[str]) -> list[str]:
    """Mostly good pictures; one in twenty-five is broken, one in fifty is not a picture; plus fatal ones."""
    kinds = fatal + ["broken"] * (pictures // 25) + ["text"] * (pictures // 50)
    kinds += ["good"] * (pictures - len(kinds))
    chance.shuffle(kinds)
    return kinds


def judge(platform: Platform, expected: Counter[str], verdict: Verdict) -> None:
    """Check rows, files, and what the orphan sweep does about leftovers."""
    from jobs.services import orphans

    assert platform.store is not None
    judge_rows(expected, verdict)
    client = client_for(platform.store.endpoint)
    judge_files(client, verdict, label="before the sweep")
    verdict.counts["orphans swept"] = orphans.sweep_all(timedelta(0))
    judge_files(client, verdict, label="after the sweep")
    verdict.must("orphans after the sweep", verdict.counts["orphans after the sweep"], 0)


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own address
            return bool(answer.status == 200)
    except OSError:
        return False


def ended() -> bool:
    """Whether no picture is queued or running, and no job is active."""
    from django.db import Error, connection

    from jobs.models import Job, Picture

    try:
        going_on = Picture.objects.filter(state__in=["queued", "running"]).exists()
        return not going_on and not Job.objects.filter(state="active").exists()
    except Error:
        connection.close()
        return False


if __name__ == "__main__":
    sys.exit(main())

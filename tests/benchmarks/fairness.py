"""`python -m tests.benchmarks.fairness`: measures queueing fairness between users, with a network of fixed
speed.

One user submits many pictures. Later a second one submits five, and a third a single one in the interactive
lane. PostgreSQL, Valkey, the scheduler and a worker are real. The exit code depends on printed figures: how
many of the first user's pictures finish between the second's submission and the second's last one (fewer than
40), how long the single one waits for its start (less than one picture's time, while every batch thread is
busy), and those of tests/benchmarks/rendition_fairness.py.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from PIL import Image

from bgplatform.local.console import say
from tests.benchmarks import rendition_fairness
from tests.benchmarks.rendition_fairness import RenditionFairness
from tests.faults import weather
from tests.faults.parts import Platform
from tests.waiting import until

MANY, FEW, BEFORE = 2_000, 5, 60
MOST_BETWEEN = 40


@dataclass(frozen=True)
class Fairness:
    """between: the first user's pictures finished from the second's submission to the second's last,
    inclusive. started: seconds from the submission of the single picture to its start. picture: seconds of
    one of the first user's pictures from start to end, files and rows included.
    """

    between: int
    seconds: float
    started: float
    picture: float
    renditions: RenditionFairness


def measure(platform: Platform, many: int, before: int, picture_seconds: float) -> Fairness:
    """Runs the measurement on a platform whose servers are not started yet."""
    environment = platform.start_servers(
        # Otherwise five pictures would count as interactive: here they share the batch lane.
        INTERACTIVE_PICTURES="1",
        FIXED_SECONDS=str(picture_seconds),
    )
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="bgplatform.settings")
    django.setup()
    from django.core.management import call_command

    from accounts.models import User
    from jobs.models import Picture
    from jobs.queue import workers

    call_command("migrate", interactive=False, verbosity=0)
    first, second, third = (User.objects.create_user(f"{name}@example.org", None) for name in "abc")
    files = {user: uploads(user, count) for user, count in ((first, many), (second, FEW), (third, 1))}
    platform.run_scheduler()
    platform.run_worker("worker")
    until(lambda: workers.alive() or None, "a worker is ready", 60)
    submitted(first, files[first])
    done = Picture.objects.filter(state="done")
    until(lambda: done.filter(user=first).count() >= before, "the first user's pictures run", 120)
    job = submitted(second, files[second])
    theirs = done.filter(user=second)
    until(lambda: theirs.count() == FEW, "the second user's pictures are done", 120)
    last = theirs.latest("finished_at").finished_at
    assert last is not None
    between = done.filter(user=first, finished_at__gt=job.created_at, finished_at__lte=last).count()
    single = submitted(third, files[third])
    until(lambda: done.filter(job=single).exists(), "the single picture is done", 60)
    started = Picture.objects.get(job=single).started_at
    assert started is not None
    took = statistics.median(
        (ended - began).total_seconds()
        for began, ended in done.filter(user=first).values_list("started_at", "finished_at")
    )
    return Fairness(
        between,
        (last - job.created_at).total_seconds(),
        (started - single.created_at) / timedelta(seconds=1),
        took,
        rendition_fairness.measure(first),
    )


def uploads(user: Any, count: int) -> list[Any]:
    """Returns finished uploads with distinct bytes, so that no two share a matte."""
    from common.ids import new_id
    from jobs import storage
    from jobs.models import Upload

    out = io.BytesIO()
    Image.new("RGB", (32, 24), (200, 120, 40)).save(out, "PNG")
    made = [
        Upload(
            id=new_id(),
            user=user,
            name=f"{number}.png",
            announced_size=1,
            state="uploaded",
            size=1,
            format="png",
        )
        for number in range(count)
    ]
    for upload in made:
        upload.width, upload.height, upload.format = 32, 24, "png"
        storage.write(upload.key, out.getvalue() + upload.pk.bytes)
    Upload.objects.bulk_create(made, batch_size=500)
    return [upload.pk for upload in made]


def submitted(user: Any, ids: list[Any]) -> Any:
    """Returns one job of these uploads."""
    from jobs.services import submit
    from segmentation.recipe import Recipe

    return submit.submit(user, ids, Recipe(model="u2netp"))


def main() -> int:
    """The command line; see the module's docstring. Returns the exit code."""
    weather.stop_here()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fairness", description=__doc__)
    parser.add_argument("--pictures", type=int, default=MANY, help="of the first user")
    parser.add_argument("--before", type=int, default=BEFORE, help="of them are done when the second comes")
    parser.add_argument("--seconds", type=float, default=0.25, help="that each picture takes")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bgp-fairness-", ignore_cleanup_errors=True) as folder:
        platform = Platform(Path(folder), s3=False, workers="tests.benchmarks.fixed_speed")
        try:
            found = measure(platform, chosen.pictures, chosen.before, chosen.seconds)
        finally:
            platform.stop()
    say(
        f"A submits {chosen.pictures}, then B {FEW}: B's last is done after {found.seconds:.2f} s, "
        f"and {found.between} of A's were done meanwhile (must be less than {MOST_BETWEEN})."
    )
    say(
        f"A single interactive picture starts after {found.started:.2f} s "
        f"(must be less than {found.picture:.2f} s, one picture's time)."
    )
    say(found.renditions.sentence)
    fair = found.between < MOST_BETWEEN and found.started < found.picture and found.renditions.fair
    return int(not fair)


if __name__ == "__main__":
    sys.exit(main())

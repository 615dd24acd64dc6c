"""Measures the memory of the web process under large transfers: `python -m tests.benchmarks.memory`.

500 photos of 5 MB are uploaded, and a ZIP of 1,000 results is downloaded, each with the files in a folder and
in S3 (SeaweedFS). The exit code depends on the printed figures: how much the web's peak resident memory
(VmHWM) grew after a short warm-up, how much the web fetched from the store, and when the ZIP began.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import django
import numpy as np
import urllib3
from PIL import Image

from bgplatform.local.console import say
from tests.benchmarks.fairness import submitted, uploads
from tests.faults import weather
from tests.faults.parts import Platform
from tests.faults.people import Person
from tests.waiting import until

MIB = 2**20
# Flat memory: a hundred times the bytes must not raise the peak by more. One photo is 5 MB.
MOST_GROWTH = 32 * MIB
# Reading a picture's header: one buffer of the ranged reader, and protocol overhead.
MOST_FETCHED = 80 * 1024
FIRST_BYTE_SECONDS = 1.0
WARM_UP = 20
HANDS = 4


def photo(megabytes: float) -> bytes:
    """Returns a JPEG of about this many bytes, without padding: noise does not compress."""
    side = int((megabytes * MIB / 1.19) ** 0.5)
    noise = np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG", quality=95)
    return out.getvalue()


def memory(pid: int, field: str = "VmHWM") -> int:
    """Returns the peak resident memory of a process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def measure_uploads(platform: Platform, person: Person, count: int, megabytes: float) -> list[str]:
    """Uploads `count` photos, HANDS at a time; returns the failures."""
    from jobs.models import Upload

    content = photo(megabytes)

    def one(number: int) -> str:
        return person.upload(f"photo-{number}.jpg", content + number.to_bytes(4, "big"))

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(one, range(WARM_UP)))
        web = platform.processes("web")[0]
        before, fetched = memory(web), platform.gateway.answered if platform.gateway else 0
        began = time.monotonic()
        list(pool.map(one, range(count)))
        seconds = time.monotonic() - began
    growth = memory(web) - before
    arrived = Upload.objects.filter(state="uploaded").count() - WARM_UP
    say(f"{count} photos of {len(content) / MIB:.1f} MB in {seconds:.0f} s; {arrived} arrived")
    say(f"the web's peak was {before / MIB:.0f} MB before and grew by {growth / MIB:.1f} MB")
    wrong = [f"{arrived} of {count} arrived"] * (arrived != count)
    wrong += [f"the web grew by {growth / MIB:.0f} MB"] * (growth > MOST_GROWTH)
    if platform.gateway:
        each = (platform.gateway.answered - fetched) / count
        sent = sum(url.startswith((platform.address, "/")) for url in person.targets)
        say(f"the web fetched {each / 1024:.1f} KB of each photo from the store, and was sent {sent} bodies")
        wrong += [f"the web read {each:.0f} bytes of each body"] * (each > MOST_FETCHED)
        wrong += [f"{sent} bodies went to the web"] * (sent > 0)
    return wrong


def measure_zip(platform: Platform, person: Person, user: Any, count: int, kilobytes: int) -> list[str]:
    """Downloads the ZIP of a job with `count` results; returns the failures."""
    from jobs.models import Picture
    from tests.jobs.factories import complete

    data = np.random.default_rng(2).bytes(kilobytes * 1024)
    few, job = (submitted(user, uploads(user, number)) for number in (WARM_UP, count))
    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(partial(complete, data=data), Picture.objects.filter(job__in=[few, job])))
    person.ask(f"/jobs/{few.pk}/results.zip")
    web = platform.processes("web")[0]
    before, began = memory(web), time.monotonic()
    answer = person.open(f"/jobs/{job.pk}/results.zip")
    first, size = 0.0, 0
    with tempfile.TemporaryFile() as file:
        for piece in answer.stream(MIB // 4):
            first = first or time.monotonic() - began
            size += file.write(piece)
        seconds = time.monotonic() - began
        with zipfile.ZipFile(file) as archive:
            right = sum(entry.file_size == len(data) for entry in archive.infolist())
    growth = memory(web) - before
    say(f"{count} results, {size / MIB:.0f} MB: first byte after {first:.2f} s, all in {seconds:.1f} s")
    say(f"the web's peak was {before / MIB:.0f} MB before and grew by {growth / MIB:.1f} MB")
    wrong = [f"{right} of {count} results are in it"] * (right != count)
    wrong += [f"the first byte came after {first:.2f} s"] * (first >= FIRST_BYTE_SECONDS)
    wrong += [f"the web grew by {growth / MIB:.0f} MB"] * (growth > MOST_GROWTH)
    return wrong


def one(chosen: argparse.Namespace) -> int:
    """Runs one measurement on one store."""
    say(f"-- {chosen.what}, files in {'S3' if chosen.store == 's3' else 'a folder'}")
    with tempfile.TemporaryDirectory(prefix="bgp-memory-", ignore_cleanup_errors=True) as folder:
        platform = Platform(Path(folder), s3=chosen.store == "s3")
        try:
            wrong = measured(platform, chosen)
            if wrong:
                say(platform.log.read_text(errors="replace")[-5_000:])
        finally:
            platform.stop()
    for line in wrong:
        say(f"WRONG: {line}")
    return int(bool(wrong))


def measured(platform: Platform, chosen: argparse.Namespace) -> list[str]:
    """Runs the platform with only a web process and a signed-in user."""
    # Browsers reach the store directly, past the gateway, which then counts only the web's own requests.
    public = {"S3_PUBLIC_ENDPOINT": platform.store.endpoint} if platform.store else {}
    environment = platform.start_servers(**public)
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="bgplatform.settings")
    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from accounts.models import User

    call_command("migrate", interactive=False, verbosity=0)
    user, client = User.objects.create_user("ada@example.org", None), Client()
    client.force_login(user, backend="accounts.backends.AuthenticationBackend")
    person = Person(platform.address, client.cookies["sessionid"].value, [], [])
    platform.run_web()
    until(lambda: answers(platform.address), "the web answers", 60)
    if chosen.what == "uploads":
        return measure_uploads(platform, person, chosen.photos, chosen.megabytes)
    return measure_zip(platform, person, user, chosen.results, chosen.kilobytes)


def answers(address: str) -> bool:
    """Whether the web is up."""
    try:
        return urllib3.request("GET", f"{address}/healthz", timeout=3, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def main() -> int:
    """The command line; see the module's docstring. Returns the exit code."""
    weather.stop_here()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    parser.add_argument("--what", choices=["uploads", "zip"], help="only this (default: both)")
    parser.add_argument("--store", choices=["files", "s3"], help="only there (default: both)")
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--megabytes", type=float, default=5.0, help="of each photo")
    parser.add_argument("--results", type=int, default=1_000)
    parser.add_argument("--kilobytes", type=int, default=400, help="of each result")
    chosen = parser.parse_args()
    if chosen.what and chosen.store:
        return one(chosen)
    codes = []
    for what in [chosen.what] if chosen.what else ["uploads", "zip"]:
        for store in [chosen.store] if chosen.store else ["files", "s3"]:
            # Settings are read once per process: each measurement has its own.
            more = ["--what", what, "--store", store]
            codes.append(
                subprocess.call([sys.executable, "-m", "tests.benchmarks.memory", *sys.argv[1:], *more])
            )
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())

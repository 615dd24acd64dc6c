"""`python -m tests.faults.full_store --pictures 500`: the file store's disk becomes full, then read-only.

The platform runs as with `make run`, with its files on a small file system (a tmpfs in a mount namespace of
this process). While half of the pictures are queued, the disk is filled; while the other half are queued, it
is mounted read-only. Nothing may fail or lose an attempt, uploads get a 503, and /readyz reports what is
missing. Needs Linux, and root or user namespaces.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from django.conf import settings

from bgplatform.local.console import say
from tests.faults.people import good
from tests.faults.verdict import Verdict
from tests.person import Person
from tests.stack import Stack
from tests.waiting import until

SIZE_MB = 64
SAMPLES = 3
INSIDE = "BGP_FULL_STORE_INSIDE"
CANNOT_MOUNT = 77
OPEN = "SELECT COUNT(*) FROM jobs_picture WHERE state IN ('queued', 'running')"
ENDS = "SELECT state, error_code, attempts, COUNT(*) FROM jobs_picture GROUP BY 1, 2, 3"
FULL = "is full; uploads are refused"
AWAY = "does not answer or is not writable"
SETTINGS = {"DISPATCH_SECONDS": "1", "STORE_PAUSE_SECONDS": "1", "LEASE_SECONDS": "60"}


def main() -> int:
    """The command line; see the module docstring. Returns the exit code; CANNOT_MOUNT: nothing tested."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.full_store", description=__doc__)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--short", action="store_true", help="both faults for 3 s, not 20 s")
    # `make faults` passes the same arguments to both of its programs.
    parser.add_argument("--seed", type=int, default=0, help="ignored: nothing here is left to chance")
    chosen = parser.parse_args()
    settings.configure()  # for this process only: encoding forms needs Django's defaults
    if INSIDE not in os.environ:
        return _in_a_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="bgp-full-", ignore_cleanup_errors=True) as folder:
        files = Path(folder) / "var" / "files"
        files.mkdir(parents=True)
        _mount("-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0700", "tmpfs", str(files))
        verdict = Verdict()
        try:
            with Stack(Path(folder), **SETTINGS) as stack:
                _try(stack, files, chosen.pictures, 3.0 if chosen.short else 20.0, verdict)
                if verdict.wrong:
                    say(stack.output()[-20_000:])
        finally:
            subprocess.run(["umount", "--lazy", str(files)], check=False)
    for name, value in verdict.counts.items():
        say(f"{name:>48}  {value}")
    for wrong in verdict.wrong:
        say(f"WRONG: {wrong}")
    say(
        f"The store is back; {'something is wrong' if verdict.wrong else 'nothing was lost, nothing failed'}."
    )
    return 1 if verdict.wrong else 0


def _in_a_namespace() -> int:
    """Run this command again in a namespace where it may mount and where no mount outlives it."""
    options = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    unshare = ["unshare", *options, "--kill-child", "--fork"]
    with tempfile.TemporaryDirectory() as there:
        trial = [*unshare, "mount", "-t", "tmpfs", "tmpfs", there]
        try:
            able = subprocess.run(trial, check=False, capture_output=True).returncode == 0
        except FileNotFoundError:
            able = False
    if not able:
        say("Left out: no file system can be mounted here (it takes root or user namespaces).")
        return CANNOT_MOUNT
    command = [*unshare, sys.executable, "-m", "tests.faults.full_store", *sys.argv[1:]]
    return subprocess.run(command, check=False, env={**os.environ, INSIDE: "yes"}).returncode


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _try(stack: Stack, files: Path, pictures: int, seconds: float, verdict: Verdict) -> None:
    until(lambda: stack.rows(ENDS) == [("done", "", 1, SAMPLES)], "the sample job is done", 180)
    person = Person(stack.address)
    person.sign_in(stack.sign_in)
    half = pictures // 2
    _submit_and_break(stack, person, range(half), seconds, verdict, "full", lambda: _full(files), FULL)
    _submit_and_break(
        stack, person, range(half, pictures), seconds, verdict, "read-only", lambda: _read_only(files), AWAY
    )
    ends = {f"{state} {code}".strip() + f" {tries}": count for state, code, tries, count in stack.rows(ENDS)}
    verdict.must("ends: state, attempts", ends, {"done 1": pictures + SAMPLES})
    keys = stack.rows("SELECT key FROM jobs_matte UNION SELECT key FROM jobs_rendition")
    verdict.must("mattes and renditions", len(keys), 2 * (pictures + SAMPLES))
    verdict.must("files missing", [key for (key,) in keys if not (files / str(key)).is_file()], [])
    verdict.must("half-written files", [str(path) for path in files.rglob(".part-*")], [])


def _submit_and_break(
    stack: Stack,
    person: Person,
    numbers: range,
    seconds: float,
    verdict: Verdict,
    name: str,
    fault: Callable[[], AbstractContextManager[None]],
    said: str,
) -> None:
    """Submit pictures, break the store before any is processed, observe for `seconds`, repair it, wait."""
    worker = stack.worker()
    os.kill(worker, signal.SIGSTOP)
    try:
        person.submit([(f"{number}.png", good(number)) for number in numbers])
        waiting = int(str(stack.rows(OPEN)[0][0]))
        verdict.must(f"{name}: pictures that wait", waiting, len(numbers))
        postponed = _postponed(stack)
        with fault():
            os.kill(worker, signal.SIGCONT)
            _look(stack, person, seconds, verdict, name, said)
            until(lambda: _postponed(stack) > postponed, "a worker met the fault", 60)
            verdict.must(f"{name}: pictures that wait at its end", int(str(stack.rows(OPEN)[0][0])), waiting)
            verdict.counts[f"{name}: times that a picture was put back"] = _postponed(stack) - postponed
    finally:
        os.kill(worker, signal.SIGCONT)
    until(lambda: _missing(stack) == {}, f"/readyz is well again after {name}", 60)
    began = time.monotonic()
    until(lambda: stack.rows(OPEN) == [(0,)], f"every picture has ended after {name}", 600)
    verdict.counts[f"{name}: seconds until all were done"] = round(time.monotonic() - began)


def _look(stack: Stack, person: Person, seconds: float, verdict: Verdict, name: str, said: str) -> None:
    """Request /readyz and upload repeatedly."""
    until(lambda: _missing(stack).get("store"), f"/readyz says that the store is {name}", 60)
    until_then = time.monotonic() + seconds
    ready, taken, asked = [], [], 0
    while time.monotonic() < until_then or asked < 2:
        asked += 1
        missing = _missing(stack)
        if missing.get("store") != said:
            ready.append(missing)
        if (status := _upload(person)) != 503:
            taken.append(status)
        time.sleep(0.5)
    verdict.counts[f"{name}: looks at /readyz and uploads"] = asked
    verdict.must(f"{name}: /readyz that said anything else", ready, [])
    verdict.must(f"{name}: uploads that were no 503", taken, [])


def _missing(stack: Stack) -> dict[str, str]:
    """Returns what /readyz reports as missing."""
    try:
        with urllib.request.urlopen(f"{stack.address}readyz", timeout=20) as answer:  # noqa: S310  # our loopback
            said = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        said = json.load(error)
    return dict(said["missing"])


def _upload(person: Person) -> int:
    try:
        person.submit([("late.png", good(10**6))])
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def _postponed(stack: Stack) -> int:
    return stack.output().count(" waits for the store: ")


@contextmanager
def _full(files: Path) -> Iterator[None]:
    """Fill the disk completely."""
    ballast = files / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 4096, 1):
            try:
                while True:
                    file.write(b"\1" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def _read_only(files: Path) -> Iterator[None]:
    # The mount, not the file system: in a user namespace an ordinary user may not remount that.
    _mount("-o", "remount,bind,ro", str(files))
    try:
        yield
    finally:
        _mount("-o", "remount,bind,rw", str(files))


if __name__ == "__main__":
    sys.exit(main())

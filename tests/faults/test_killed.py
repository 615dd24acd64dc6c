"""Processes are killed while pictures run: every picture is finished exactly once, with its files."""

from __future__ import annotations

import io
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bgplatform.local import process_tree
from tests.person import Person
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

COUNT = 16
KINDS = ("sources", "thumbs", "mattes", "renditions", "previews")
SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"
STATES = "SELECT state, COUNT(*) FROM jobs_picture GROUP BY state"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A platform with short leases, so that work of killed processes is soon dispatched again."""
    stack = Stack(tmp_path, LEASE_SECONDS="4", DISPATCH_SECONDS="1", REDISPATCH_SECONDS="5", MAX_ATTEMPTS="9")
    with stack:
        until(lambda: samples_done(stack), "the sample job is done", 60)
        yield stack


def samples_done(stack: Stack) -> bool:
    return states(stack) == {"done": 3}


def states(stack: Stack) -> dict[str, int]:
    """Returns the number of pictures by state."""
    return {str(state): int(str(count)) for state, count in stack.rows(STATES)}


def photos() -> list[tuple[str, bytes]]:
    """COUNT different photos, small enough to be fast and large enough to be interrupted."""
    found = []
    with Image.open(SAMPLES / "astronaut.jpg") as astronaut:
        for number in range(COUNT):
            out = io.BytesIO()
            astronaut.rotate(number * 20).resize((900, 900)).save(out, "JPEG")
            found.append((f"photo-{number:02}.jpg", out.getvalue()))
    return found


def kill_at_work(stack: Stack, process: int) -> None:
    """SIGKILL `process` while the worker holds pictures. The worker is stopped (SIGSTOP) first."""

    def caught() -> bool:
        worker = stack.worker()
        os.kill(worker, signal.SIGSTOP)
        if states(stack).get("running"):
            return True
        os.kill(worker, signal.SIGCONT)
        return False

    worker = stack.worker()
    until(caught, "the worker is at work")
    os.kill(process, signal.SIGKILL)
    if process != worker:
        os.kill(worker, signal.SIGCONT)
    until(lambda: not process_tree.is_alive(worker), "the worker is dead")


def check_every_picture_once(stack: Stack) -> None:
    """Checks rows, attempts and files: none missing, none duplicated, none left over."""
    total = COUNT + 3
    assert states(stack) == {"done": total}
    assert stack.rows("SELECT state, COUNT(*) FROM jobs_job GROUP BY state") == [("finished", 2)]
    attempts = [int(str(row[0])) for row in stack.rows("SELECT attempts FROM jobs_picture")]
    assert min(attempts) == 1
    assert 2 <= max(attempts) <= 3
    for table in ("jobs_matte", "jobs_rendition"):
        once = stack.rows(f"SELECT COUNT(*), COUNT(DISTINCT picture_id) FROM {table}")  # noqa: S608  # our own words
        assert once == [(total, total)], table
    assert files(stack) == dict.fromkeys(KINDS, total)
    named = {
        str(row[0]) for row in stack.rows("SELECT key FROM jobs_rendition UNION SELECT key FROM jobs_matte")
    }
    assert all((stack.state.folder / "files" / key).stat().st_size > 0 for key in named)


def files(stack: Stack) -> dict[str, int]:
    """Returns the number of stored files by the first folder of their keys.

    Leaves out partial files. SIGKILL during a write leaves one, and the orphan sweep deletes it later
    (`test_orphans.py`).
    """
    store = stack.state.folder / "files"
    found = (path for path in store.rglob("*") if path.is_file() and not path.name.startswith(".part-"))
    return dict(Counter(path.relative_to(store).parts[0] for path in found))


def ended(stack: Stack) -> bool:
    return not {"queued", "running"} & states(stack).keys()


def test_worker_and_its_master_killed_while_pictures_run(stack: Stack) -> None:
    person = Person(stack.address)
    person.sign_in(stack.sign_in)
    page = person.submit(photos())

    first = stack.worker()
    kill_at_work(stack, first)
    second = until(lambda: stack.worker_if_any(), "the supervisor has started another")
    assert second != first
    workers = stack.processes("-m dramatiq bgplatform.worker")
    (master, _) = [pid for pid in workers if pid not in stack.processes("supervise")]
    kill_at_work(stack, master)

    until(lambda: ended(stack), "every picture has ended", 120)
    check_every_picture_once(stack)
    assert b'data-job-state="finished"' in person.get(page)


def test_everything_is_killed_at_once_and_restarted(stack: Stack) -> None:
    person = Person(stack.address)
    person.sign_in(stack.sign_in)
    page = person.submit(photos())
    until(lambda: states(stack).get("running"), "pictures run")

    stack.kill()
    stack.start()

    until(lambda: ended(stack), "every picture has ended", 120)
    check_done_after_restart(stack)
    person = Person(stack.address)
    person.sign_in(stack.sign_in)
    assert b'data-job-state="finished"' in person.get(page)


def check_done_after_restart(stack: Stack) -> None:
    """As above, but perhaps no picture was interrupted: the launcher's end sends SIGTERM to its workers."""
    assert states(stack) == {"done": COUNT + 3}
    assert files(stack) == dict.fromkeys(KINDS, COUNT + 3)

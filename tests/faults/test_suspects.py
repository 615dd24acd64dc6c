"""Pictures that crash or hang their worker fail alone; the pictures beside them are finished."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bgplatform.local import process_tree
from segmentation import weights
from tests.faults import marks
from tests.faults.people import good
from tests.person import Person
from tests.stack import Stack
from tests.waiting import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(400),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]

OPEN = "SELECT COUNT(*) FROM jobs_picture WHERE state IN ('queued', 'running')"
ENDS = (
    "SELECT name, state, error_code, attempts FROM jobs_picture WHERE name NOT LIKE 'sample%' ORDER BY name"
)


def marked(comment: bytes) -> bytes:
    info, out = PngInfo(), io.BytesIO()
    info.add_text("Comment", comment.decode())
    Image.new("RGB", (64, 48), (90, 90, 30)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A platform with the fragile worker and short time limits."""
    settings = {"LEASE_SECONDS": "3", "DISPATCH_SECONDS": "1", "REDISPATCH_SECONDS": "5", "TASK_SECONDS": "5"}
    with Stack(tmp_path, WORKER_MODULE="tests.faults.fragile", WORKER_THREADS="3", **settings) as stack:
        until(lambda: stack.rows(OPEN) == [(0,)], "the sample job is done", 60)
        yield stack


@pytest.mark.parametrize(
    "comment",
    [
        marks.KILLS,
        pytest.param(marks.HANGS, marks=pytest.mark.slow),
        pytest.param(marks.HANGS_LOCKED, marks=pytest.mark.slow),
    ],
    ids=["kills the worker", "hangs in native code", "hangs and holds the lock"],
)
def test_a_fatal_picture_fails_alone_with_a_reason(stack: Stack, comment: bytes) -> None:
    person = Person(stack.address)
    person.sign_in(stack.sign_in)
    first = stack.worker()
    files = [(f"good-{number}.png", good(number)) for number in range(11)]
    files.insert(5, ("fatal.png", marked(comment)))

    person.submit(files)

    until(lambda: stack.rows(OPEN) == [(0,)], "every picture has ended", 240)
    rows = {str(row[0]): row[1:] for row in stack.rows(ENDS)}
    assert rows["fatal.png"] == ("failed", "worker_lost", 3)
    others = [rows[f"good-{number}.png"] for number in range(11)]
    assert {row[:2] for row in others} == {("done", "")}
    # A picture beside it lost one attempt at most.
    assert {row[2] for row in others} <= {1, 2}
    assert not process_tree.is_alive(first)

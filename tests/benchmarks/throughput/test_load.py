"""The parts of the throughput benchmark that need no server."""

from __future__ import annotations

import itertools

from jobs.compat import body
from tests.benchmarks.throughput.__main__ import Medians, reached
from tests.benchmarks.throughput.load import BOUNDARY, Target, Turn, different


def test_every_picture_has_distinct_bytes() -> None:
    made = list(itertools.islice(different(b"picture"), 100))
    assert len(set(made)) == 100
    assert all(one.startswith(b"picture") for one in made)


def test_multipart_bodies_are_parsed_correctly() -> None:
    target = Target("ours", 1, "/", "image_file", {"size": "full"})
    read = body.read(f"multipart/form-data; boundary={BOUNDARY}", target.body(b"\r\n--x"))
    assert read.fields == {"size": "full"}
    assert read.files["image_file"].data == b"\r\n--x"


def test_percentiles() -> None:
    one = Turn(2.0, [float(number) for number in range(1, 101)])
    assert (one.p50, one.p95) == (50.5, 95.0)
    assert Turn(1.0, [3.0]).p95 == 3.0
    row = {"ours, /v1.0/removebg": Medians(3.0, 1, 1), "rembg s": Medians(1.0, 3, 3)}
    assert reached(0.2, row, "rembg s")
    assert not reached(12.0, row, "rembg s")

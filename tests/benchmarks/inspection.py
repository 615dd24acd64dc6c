"""`python -m tests.benchmarks.inspection`: CPU time that moderation costs a worker for each picture.

Prints milliseconds of CPU time (all threads), so that other load on the machine hardly matters.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable

import django
import numpy as np

from segmentation.pictures import DecodedPicture, PictureInfo

TIMES = 20


def main() -> None:
    """Measures a picture of 12 megapixels."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bgplatform.settings")
    os.environ.setdefault("DEBUG", "true")
    django.setup()
    from jobs.worker import explicit, hashing

    rgb = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    picture = DecodedPicture(rgb, None, PictureInfo("jpeg", 4000, 3000, "image/jpeg", "jpg"))
    # The pipeline has it at half size already.
    assert picture.half_size is not None
    small = hashing.small(picture)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    explicit.score(small)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for name, act in (
        ("small version", lambda: hashing.small(picture)),
        ("perceptual hash", lambda: hashing.phash(small)),
        ("classifier", lambda: explicit.score(small)),
    ):
        sys.stdout.write(f"{name}: {_milliseconds(act):.1f} ms\n")
    sys.stdout.write(f"memory of the classifier: {memory:.0f} MiB\n")


def _milliseconds(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        start = time.process_time()
        act()
        taken.append((time.process_time() - start) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    main()

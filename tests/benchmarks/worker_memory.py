"""Measures the memory of a worker: `python -m tests.benchmarks.worker_memory --rembg PYTHON`.

Compares it with rembg's server: eight concurrent clients send photos of 12 megapixels to either. The worker
has eight threads, so it also processes eight pictures at once. The figure is the peak of each (proportional
set size, all processes of a worker together). Then many pictures go through the platform, and the worker must
hold as much at the end as after the first tenth. The exit code shows the outcome.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bgplatform.local import process_tree
from bgplatform.local.console import say
from segmentation.bench.photos import jpeg_of
from tests.benchmarks.throughput.load import Target, different, turn
from tests.benchmarks.throughput.servers import ours, theirs

MIB = 2**20
SHARE = 1 / 3
# Flat memory, with some tolerance: allocators keep what they once had.
MOST_GROWTH = 64 * MIB
SAMPLE = Path("static/samples/astronaut.jpg")
LOOK_SECONDS = 0.05
PARTS = 10


def held(word: str) -> int:
    """Returns the bytes held by our descendants whose command line contains this word; shared pages count
    proportionally.
    """
    total = 0
    for pid in process_tree.descendants(os.getpid()):
        try:
            if word.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
                continue
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it has ended
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


@contextmanager
def peak(word: str) -> Iterator[Callable[[], int]]:
    """Samples often while the block runs; the yielded function returns the maximum."""
    seen, over = [held(word)], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            seen.append(held(word))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lambda: max(seen)
    finally:
        over.set()
        thread.join()


def beside_rembg(mine: Target, other: Target, photo: Path, chosen: argparse.Namespace) -> list[str]:
    """Runs both under the same load, one after the other; returns the failures."""
    most: dict[str, int] = {}
    for target, word in ((mine, "bgplatform.worker"), (other, "rembg")):
        pictures = different(jpeg_of(photo, chosen.megapixels))
        before = held(word)
        with peak(word) as highest:
            done = turn(target, pictures, chosen.clients, chosen.requests)
        most[word] = highest()
        say(
            f"{target.name}: {before / MIB:.0f} MiB before, {most[word] / MIB:.0f} MiB at most with "
            f"{chosen.clients} pictures of {chosen.megapixels:g} megapixels at once, {done.rate:.2f} a second"
        )
    share = most["bgplatform.worker"] / most["rembg"]
    say(f"the worker held {share:.2f} of what rembg's server held (wanted: at most {SHARE:.2f})")
    return [f"the worker held {share:.2f} of rembg's memory"] * (share > SHARE)


def flat(mine: Target, photo: Path, chosen: argparse.Namespace) -> list[str]:
    """Sends many pictures through the worker; returns the failures."""
    pictures = different(jpeg_of(photo, chosen.small))
    each, after = chosen.pictures // PARTS, []
    for number in range(PARTS):
        turn(mine, pictures, chosen.clients, each)
        after.append(held("bgplatform.worker"))
        say(f"{(number + 1) * each} pictures of {chosen.small:g} megapixels: {after[-1] / MIB:.0f} MiB")
    growth = statistics.median(after[-3:]) - after[0]
    say(f"the worker grew by {growth / MIB:.0f} MiB after the first {each} pictures")
    return [f"the worker grew by {growth / MIB:.0f} MiB"] * (growth > MOST_GROWTH)


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.worker_memory", description=__doc__)
    add = parser.add_argument
    add(
        "--rembg",
        metavar="PYTHON",
        help="interpreter of an environment with rembg[cpu]; without it only the growth is measured",
    )
    add("--model", default="u2net", choices=["u2net", "u2netp"])
    add("--photo", type=Path, default=SAMPLE)
    add("--megapixels", type=float, default=12.0, help="beside rembg (default: 12)")
    add("--clients", type=int, default=8, help="at once, and threads of our worker (default: 8)")
    add("--requests", type=int, default=24, help="of each beside rembg (default: 24)")
    add("--pictures", type=int, default=2_000, help="through the worker (default: 2000; 0 for none)")
    add("--small", type=float, default=1.5, help="megapixels of those (default: 1.5)")
    chosen = parser.parse_args(arguments)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bgp-worker-memory-") as folder:
        threads = str(chosen.clients)
        with ours(Path(folder), chosen.model, WORKER_THREADS=threads) as (mine, *_):
            if chosen.rembg:
                with theirs(chosen.rembg, chosen.model) as other:
                    wrong += beside_rembg(mine, other, chosen.photo, chosen)
            if chosen.pictures:
                wrong += flat(mine, chosen.photo, chosen)
    for line in wrong:
        say(f"WRONG: {line}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

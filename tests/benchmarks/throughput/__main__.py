"""`python -m tests.benchmarks.throughput --rembg PYTHON`: pictures a second, and response times.

Both servers run all the time and are measured in turns: in each round every contender gets the same photo
from the same number of concurrent clients. Each request has other trailing bytes, so that no cache applies.
Medians over the rounds; ratios first.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bgplatform.local.console import say
from segmentation.bench.photos import jpeg_of
from tests.benchmarks.throughput.load import Target, Turn, different, turn
from tests.benchmarks.throughput.servers import ours, theirs

# Megapixels, and the target as a multiple of rembg's pictures a second.
SIZES = {0.2: 3.0, 1.5: 3.0, 12.0: 5.0}
P95_SHARE = 1 / 3
SAMPLE = Path("static/samples/astronaut.jpg")


@dataclass(frozen=True)
class Medians:
    """A contender's medians at one size."""

    rate: float
    p50: float
    p95: float

    @classmethod
    def of(cls, turns: list[Turn]) -> Medians:
        """Computes the medians over the rounds."""
        return cls(
            statistics.median(one.rate for one in turns),
            statistics.median(one.p50 for one in turns),
            statistics.median(one.p95 for one in turns),
        )


def measure(
    targets: list[Target], photo: Path, megapixels: float, clients: int, requests: int, rounds: int
) -> dict[str, Medians]:
    """Measures every target in every round, after one warm-up round."""
    pictures = different(jpeg_of(photo, megapixels))
    turns: dict[str, list[Turn]] = {target.name: [] for target in targets}
    for number in range(rounds + 1):
        for target in targets:
            done = turn(target, pictures, clients, requests if number else clients)
            if number:
                turns[target.name].append(done)
    return {name: Medians.of(done) for name, done in turns.items()}


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput", description=__doc__)
    parser.add_argument(
        "--rembg", required=True, metavar="PYTHON", help="interpreter of an environment with rembg[cpu]"
    )
    parser.add_argument("--model", default="u2net", choices=["u2net", "u2netp"])
    parser.add_argument("--photo", type=Path, default=SAMPLE)
    parser.add_argument("--sizes", type=float, nargs="+", default=list(SIZES), metavar="MP")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=40, help="of each contender in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="3", help="of our worker (default: 3, as `make run` has)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = parser.parse_args(arguments)
    found: dict[float, dict[str, Medians]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bgp-throughput-") as folder,
        ours(Path(folder), chosen.model, WORKER_THREADS=chosen.threads) as targets,
        theirs(chosen.rembg, chosen.model) as rembg,
    ):
        say(
            f"{chosen.model}, {chosen.clients} clients at once, "
            f"{chosen.requests} requests in each of {chosen.rounds} rounds"
        )
        for size in chosen.sizes:
            found[size] = measure(
                [*targets, rembg], chosen.photo, size, chosen.clients, chosen.requests, chosen.rounds
            )
            say(table(size, found[size], rembg.name))
    if chosen.json:
        rows = {str(size): {name: vars(one) for name, one in row.items()} for size, row in found.items()}
        chosen.json.write_text(json.dumps(rows, indent=1))
    return 0 if all(reached(size, row, "rembg s") for size, row in found.items()) else 1


def reached(size: float, row: dict[str, Medians], rembg: str) -> bool:
    """Whether the synchronous endpoint meets its target at a size."""
    mine, other = row["ours, /v1.0/removebg"], row[rembg]
    return mine.rate >= SIZES.get(size, 0) * other.rate and mine.p95 <= P95_SHARE * other.p95


def table(size: float, row: dict[str, Medians], rembg: str) -> str:
    """Formats a size in a few lines."""
    other = row[rembg]
    lines = [
        f"{size:g} MP: pictures a second (times rembg's, wanted {SIZES.get(size, 0):g}), "
        "p50, p95 (share of rembg's)"
    ]
    for name, one in row.items():
        lines.append(
            f"  {name:22} {one.rate:6.2f} ({one.rate / other.rate:5.2f}×)  "
            f"{one.p50:6.2f} s  {one.p95:6.2f} s ({one.p95 / other.p95:4.2f})"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

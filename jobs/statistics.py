"""Statistics of the dashboard: confidence intervals, and percentiles from a histogram."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

# The 97.5th percentile of the normal distribution: 95 % lie within as many standard deviations of the mean.
Z95: Final = 1.959963984540054

# A bucket is 10 % wide, so a percentile is right within 5 %. The first one ends at a millisecond.
GROWTH: Final = 1.1
SMALLEST_SECONDS: Final = 0.001
# About 7 months.
LAST_BUCKET: Final = 250


class Interval(NamedTuple):
    """A share with its confidence interval, each from 0 to 1."""

    share: float
    low: float
    high: float


def wilson(count: int, of: int, z: float = Z95) -> Interval | None:
    """The share `count / of` with its Wilson score interval at 95 %; None if there is nothing to share.

    Unlike the usual interval it is right for few results and for shares near 0 and 1.
    """
    if of <= 0:
        return None
    share = count / of
    spread = z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def bucket_of(seconds: float) -> int:
    """The bucket of a duration. Bucket n ends at 0.001 s × 1.1ⁿ, inclusive."""
    if seconds <= SMALLEST_SECONDS:
        return 0
    exact = math.log(seconds / SMALLEST_SECONDS) / math.log(GROWTH)
    return min(LAST_BUCKET, math.ceil(exact - 1e-9))


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """The duration in seconds that `share` of the counted ones do not exceed: the middle of its bucket.

    Returns None if nothing was counted.
    """
    total = sum(buckets.values())
    if not total:
        return None
    wanted = max(1, math.ceil(share * total - 1e-9))
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted:
            break
    return SMALLEST_SECONDS * GROWTH ** (bucket - 0.5) if bucket else SMALLEST_SECONDS

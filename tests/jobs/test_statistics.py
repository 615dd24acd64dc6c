"""Confidence intervals and percentiles."""

from __future__ import annotations

import pytest

from jobs.statistics import LAST_BUCKET, bucket_of, percentile, wilson


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # Wilson (1927); the figures of Newcombe (1998), table I, to four decimals.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson_intervals(count: int, of: int, low: float, high: float) -> None:
    found = wilson(count, of)
    assert found is not None
    assert (found.share, round(found.low, 4), round(found.high, 4)) == (count / of, low, high)


def test_nothing_has_no_share() -> None:
    assert wilson(0, 0) is None


def test_buckets_are_ten_percent_wide() -> None:
    assert [bucket_of(seconds) for seconds in (0, 0.001, 0.00101, 0.0011, 0.00111)] == [0, 0, 1, 1, 2]
    assert bucket_of(1.0) == 73  # 0.001 s × 1.1 ** 72 is 0.955 s, × 1.1 ** 73 is 1.051 s
    assert bucket_of(1e12) == LAST_BUCKET


def test_percentiles_are_right_within_five_percent() -> None:
    buckets: dict[int, int] = {}
    for hundredth in range(1, 101):
        bucket = bucket_of(hundredth / 100)
        buckets[bucket] = buckets.get(bucket, 0) + 1
    assert percentile(buckets, 0.5) == pytest.approx(0.50, rel=0.05)
    assert percentile(buckets, 0.95) == pytest.approx(0.95, rel=0.05)
    assert percentile({}, 0.5) is None
    assert percentile({0: 3}, 0.95) == 0.001

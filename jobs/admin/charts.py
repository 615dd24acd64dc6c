"""Charts as SVG, drawn on the server. Each is decoration: the numbers stand beside it as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from jobs.statistics import Interval

BAR: Final = (120, 10)
LINE: Final = (280, 90)


def share_bar(interval: Interval | None) -> SafeString:
    """A bar from 0 to 100 % for a share, with a thin line over its confidence interval."""
    if interval is None:
        return SafeString("")
    wide, tall = BAR
    return format_html(
        '<svg class="chart-bar" aria-hidden="true" width="{}" height="{}" viewBox="0 0 {} {}">'
        '<rect class="chart-ground" width="{}" height="{}"></rect>'
        '<rect class="chart-value" width="{}" height="{}"></rect>'
        '<path class="chart-interval" d="M{} {}H{}"></path></svg>',
        *(wide, tall, wide, tall, wide, tall),
        *(_number(interval.share * wide), tall),
        *(_number(interval.low * wide), tall / 2, _number(interval.high * wide)),
    )


def line_chart(points: Sequence[tuple[str, Interval | None]], label: str) -> SafeString:
    """Shares over time, from 0 to 100 %, with their confidence intervals as a band.

    points: a name, such as a week, and its share; a missing share interrupts the line. label: what screen
    readers say.
    """
    wide, tall = LINE
    step = wide / max(1, len(points) - 1)
    places = [
        (number * step if len(points) > 1 else wide / 2, name, interval)
        for number, (name, interval) in enumerate(points)
        if interval is not None
    ]
    dots = format_html_join(
        "",
        '<path class="chart-interval" d="M{} {}V{}"></path><circle class="chart-dot" cx="{}" cy="{}" r="3">'
        "<title>{}: {} %</title></circle>",
        (
            (
                *(_number(x), _number(tall * (1 - one.low)), _number(tall * (1 - one.high))),
                *(_number(x), _number(tall * (1 - one.share)), name, _number(one.share * 100)),
            )
            for x, name, one in places
        ),
    )
    line = " ".join(f"{_number(x)},{_number(tall * (1 - one.share))}" for x, _name, one in places)
    return format_html(
        '<svg class="chart-line" role="img" aria-label="{}" viewBox="-6 -6 {} {}">'
        '<path class="chart-ground" d="M0 0H{}M0 {}H{}M0 {}H{}"></path>'
        '<polyline class="chart-path" points="{}"></polyline>{}</svg>',
        *(label, wide + 12, tall + 12),
        *(wide, tall // 2, wide, tall, wide),
        *(line, dots),
    )


def _number(value: float) -> str:
    """At most one decimal, with a point in every language."""
    return f"{value:.1f}".removesuffix(".0")

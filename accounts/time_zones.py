"""The time zones that people choose from."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


@cache
def all_names() -> frozenset[str]:
    """Every name in this machine's time-zone database."""
    return frozenset(available_timezones())


@cache
def offered() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The names by region, both sorted: "Europe" with "Europe/Berlin" and so on, first "UTC" alone.

    Leaves out the old aliases such as "GB", and offsets such as "Etc/GMT+1".
    """
    regions: dict[str, list[str]] = {}
    for name in sorted(all_names()):
        region, slash, _rest = name.partition("/")
        if slash and region in _REGIONS:
            regions.setdefault(region, []).append(name)
    return (("UTC", ("UTC",)), *((region, tuple(names)) for region, names in regions.items()))


def validate(name: str) -> None:
    """Raises ValidationError where `name` is no time zone."""
    if name not in all_names():
        raise ValidationError(_("“%s” is not a time zone.") % name, code="unknown_time_zone")


_REGIONS = frozenset(
    (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
)

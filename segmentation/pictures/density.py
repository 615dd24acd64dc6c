"""Resolution: the number of pixels per inch that a file declares."""

from __future__ import annotations

import math
from typing import Final

# Horizontal and vertical, in pixels per inch.
Density = tuple[float, float]

INCHES_PER_METRE: Final = 1 / 0.0254
_MAX_DENSITY: Final = 1_000_000.0


def density(across: float, down: float, to_inches: float = 1.0) -> Density | None:
    """Converts a file's numbers to pixels per inch; returns None if they are implausible.

    to_inches: conversion factor. A number very close to an integer is rounded to it: formats that count in
    metres cannot express 300 exactly.
    """
    found = []
    for number in (across * to_inches, down * to_inches):
        if not math.isfinite(number) or not 0.5 <= number <= _MAX_DENSITY:
            return None
        found.append(float(round(number)) if abs(number - round(number)) < 0.02 else number)
    return found[0], found[1]

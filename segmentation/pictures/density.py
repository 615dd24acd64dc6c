"""Resolution: how many pixels a file means to an inch, in the units that the formats use."""

from __future__ import annotations

import math
from typing import Final

# Across and down, in pixels per inch.
Density = tuple[float, float]

INCHES_PER_METRE: Final = 1 / 0.0254
_MOST: Final = 1_000_000.0


def density(across: float, down: float, to_inches: float = 1.0) -> Density | None:
    """Numbers of a file in pixels per inch; None where they cannot be meant.

    to_inches: what to multiply them by. A number next to a whole one is taken for it: formats that
    count in metres cannot say 300 exactly.
    """
    found = []
    for number in (across * to_inches, down * to_inches):
        if not math.isfinite(number) or not 0.5 <= number <= _MOST:
            return None
        found.append(float(round(number)) if abs(number - round(number)) < 0.02 else number)
    return found[0], found[1]

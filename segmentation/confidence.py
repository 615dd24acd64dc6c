"""How far a matte can be trusted, told from the network's map alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Assessment:
    """`confidence` 0..1; `subject`: whether there is one at all; `warnings`: sentences for a person."""

    confidence: float
    subject: bool
    warnings: tuple[str, ...] = ()


def assess(coarse: NDArray[np.float32]) -> Assessment:
    """Judge a map (h×w float32 in 0..1)."""
    inside = coarse > 0.5
    cover = float(inside.mean())
    undecided = float(((coarse > 0.2) & (coarse < 0.8)).mean())
    if cover < 0.001:
        return Assessment(0.0, False, ("No subject was found in this picture.",))
    return Assessment(float(np.clip(1 - undecided / (cover + undecided) * 2, 0, 1)), True)

"""Decides when a map of a faster precision is worth re-running in float32.

A confident network answers with zeros and ones, and rounding changes neither. Where it is uncertain, the same
rounding changes the map: over the 200 pictures of the benchmark the rank correlation between a map's
uncertainty and its error is .96 (u2net) and .93 (u2netp), and the few worst maps are among the most
uncertain.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentation.shrink import stretch

UNDECIDED: Final = 0.08
"""None (u2net) and three (u2netp) of 160 training photos are above it, and five and thirteen of the
benchmark."""

# Grey, gradients and noise stay below; float32 decides whether there is a subject (confidence.MIN_PEAK).
_NO_SUBJECT: Final = 0.06


def uncertainty(raw: NDArray[np.float32]) -> float:
    """Returns how undecided a raw map (h×w) is after stretching: 0 if all of it is 0 or 1, 1 if all of it is
    one half.
    """
    coarse = stretch(raw)
    return float(4 * np.mean(coarse * (1 - coarse)))


def is_undecided(raw: NDArray[np.float32]) -> bool:
    """Whether a re-run is worth its time. It is not for a map without a subject, which is noise when
    stretched.
    """
    return bool(raw.max() >= _NO_SUBJECT) and uncertainty(raw) > UNDECIDED

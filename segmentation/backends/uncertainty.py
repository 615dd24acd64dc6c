"""When a map of a faster precision is worth a second look in float32.

A network that knows its subject answers with zeros and ones, and rounding moves neither. Where it wavers, the
same rounding moves the map: over the 200 pictures of the bench the rank of a map's doubt and the rank of its
error go together by .96 (u2net) and .93 (u2netp), and the few worst maps are among the most doubtful.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentation.shrink import stretch

UNDECIDED: Final = 0.08
"""Above it lie none (u2net) and three (u2netp) of 160 training photos, and five and thirteen of the bench."""

# Grey, gradients and noise stay below; whether there is a subject (confidence.LEAST_PEAK) float32 shall say.
_NOTHING: Final = 0.06


def doubt(raw: NDArray[np.float32]) -> float:
    """How undecided a raw map (h×w) is once stretched: 0 where all of it is 0 or 1, 1 where all of it is a
    half."""
    coarse = stretch(raw)
    return float(4 * np.mean(coarse * (1 - coarse)))


def is_undecided(raw: NDArray[np.float32]) -> bool:
    """Whether a second look is worth its time: not at a map of nothing, which is noise when stretched."""
    return bool(raw.max() >= _NOTHING) and doubt(raw) > UNDECIDED

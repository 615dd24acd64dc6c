"""How often the network looks at a picture: once, or for the best matte once more in a mirror.

What it says of a picture and of the mirror image differs most where it errs, and the mean of both errs less.
But where it is sure of different things, a mean is a ghost: the second look counts only where the first
wavers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.edges import doubt_of

Floats = NDArray[np.float32]


def looks(entry: Floats, level: str) -> list[Floats]:
    """The inputs for a level of refinement, from the picture's own (3×S×S float32): itself, and with `best`
    its mirror image."""
    return [entry, np.ascontiguousarray(entry[:, :, ::-1])] if level == "best" else [entry]


def joined(raws: Sequence[Floats]) -> Floats:
    """One raw map (S×S float32) from those of `looks`: the first; the mean of both around where it wavers,
    the mirrored one turned back."""
    if len(raws) == 1:
        return raws[0]
    own, mirrored = raws
    return np.asarray(own + doubt_of(own) * (mirrored[:, ::-1] - own) / 2, np.float32)

"""Test-time augmentation: `best` also runs the network on the mirror image.

The two maps differ most where the network errs, and their mean errs less. But where the network is confident
of different things, a mean gives a ghost image: the mirrored map counts only where the first is uncertain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.edges import uncertain_zone

Floats = NDArray[np.float32]


def augmented_inputs(entry: Floats, level: str) -> list[Floats]:
    """Returns the network's inputs for a level of refinement, from the picture's own (3×S×S float32): itself,
    and for `best` also its mirror image.
    """
    return [entry, np.ascontiguousarray(entry[:, :, ::-1])] if level == "best" else [entry]


def merge_maps(raws: Sequence[Floats]) -> Floats:
    """Merges the raw maps (S×S float32) of `augmented_inputs` into one: the first map, replaced around its
    uncertain zones by the mean of both, with the mirrored one flipped back.
    """
    if len(raws) == 1:
        return raws[0]
    own, mirrored = raws
    return np.asarray(own + uncertain_zone(own) * (mirrored[:, ::-1] - own) / 2, np.float32)

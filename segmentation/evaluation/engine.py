"""The engine as a source of mattes for `run.evaluate`: decodes, predicts, refines."""

from __future__ import annotations

import numpy as np

from segmentation import pictures
from segmentation.evaluation.arrays import Matte
from segmentation.evaluation.dataset import Pair
from segmentation.evaluation.run import Mattes
from segmentation.predictor import Predictor
from segmentation.refine import refine
from segmentation.shrink import network_input, quantised, stretch
from segmentation.test_time_augmentation import augmented_inputs, merge_maps


def from_engine(predictor: Predictor, level: str, shrink: str) -> Mattes:
    """Returns a function that makes mattes with a predictor, refined at `level` (off, fast, best), downscaled
    by the method `shrink`.
    """

    def matte(pair: Pair) -> Matte:
        rgb = pictures.decode(pair.picture).rgb
        raw = merge_maps(list(predictor.raw(np.stack(augmented_inputs(network_input(rgb, shrink), level)))))
        return refine(quantised(stretch(raw)), rgb, level)

    return matte

"""The engine as a maker of mattes for `run.judge`: decode, predict, refine."""

from __future__ import annotations

from segmentation import pictures
from segmentation.evaluation.arrays import Matte
from segmentation.evaluation.dataset import Pair
from segmentation.evaluation.run import Mattes
from segmentation.predictor import Predictor
from segmentation.refine import refine


def from_engine(predictor: Predictor, level: str, shrink: str) -> Mattes:
    """Mattes of a predictor's maps, refined at `level` (off, fast, best), shrunk for it by the way
    `shrink`.
    """

    def matte(pair: Pair) -> Matte:
        rgb = pictures.decode(pair.picture).rgb
        return refine(predictor.predict([rgb], shrink)[0], rgb, level)

    return matte

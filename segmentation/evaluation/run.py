"""Scores any source of mattes on a data set: pictures in, mattes out; metrics are computed in parallel with
the network.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.errors import PictureError, SegmentationError
from segmentation.evaluation.arrays import Matte
from segmentation.evaluation.dataset import DataSet, Pair, read_grey
from segmentation.evaluation.scores import PairScores, score

Mattes = Callable[[Pair], Matte]  # a matte, H×W uint8, of the size of the pair's picture


def evaluate(dataset: DataSet, mattes: Mattes, workers: int | None = None) -> Iterator[PairScores]:
    """Yields the scores of each pair, in order, as soon as they are computed.

    `mattes` runs in the calling thread, one picture after the other. The metrics run in `workers` threads (by
    default one per core: NumPy, SciPy and OpenCV release the GIL). At most two pictures per worker are held.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[Future[PairScores]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for pair in dataset:
            waiting.append(pool.submit(_scores, pair, mattes(pair)))
            while waiting and (waiting[0].done() or len(waiting) > 2 * workers):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _scores(pair: Pair, matte: Matte) -> PairScores:
    height, width = matte.shape
    return score(matte, pair.read_truth(height, width), pair.truth, stem=pair.stem, part=pair.part)


def from_folder(folder: Path) -> Mattes:
    """Returns a source of existing mattes: `folder/<stem>.png`, grey, or with an alpha channel, which is then
    used alone.

    The returned function raises SegmentationError (`no_matte`) if a file is missing.
    """

    def matte(pair: Pair) -> Matte:
        file = folder / f"{pair.stem}.png"
        if not file.is_file():
            raise SegmentationError(
                "no_matte", f"{folder} has no {file.name}. It must hold one PNG for each picture."
            )
        return read_alpha(file)

    return matte


def read_alpha(file: Path) -> Matte:
    """Returns the alpha channel of a cut-out, H×W uint8, or the grey values of a matte saved alone. Raises
    PictureError.
    """
    try:
        with Image.open(file) as picture:
            if picture.has_transparency_data:
                return np.asarray(picture.convert("RGBA").getchannel("A"))
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureError("broken_picture", f"{file.name} cannot be read as a picture: {error}.") from error
    return read_grey(file)

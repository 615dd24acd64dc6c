"""A data set on disk: pictures in `im/`, truths of the same stem in `gt/`, and optionally an `index.tsv` with
sets and kinds.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from segmentation.errors import PictureError, SegmentationError
from segmentation.evaluation.arrays import Matte

Truth = Literal["binary", "soft"]
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic"})
SOFT_SHARE = (
    0.015  # of pixels between .1 and .9: the anti-aliased edges of binary truths stay below half of it
)
SAMPLE_SIZE = 40  # number of truths sampled to tell soft from binary if there is no index


@dataclass(frozen=True, slots=True)
class Pair:
    """One picture with its truth."""

    stem: str
    picture: Path
    truth_file: Path
    part: str  # the set that it belongs to: a row of the report
    truth: Truth

    def read_truth(self, height: int, width: int) -> Matte:
        """Returns the truth as H×W uint8. Raises PictureError if its size is not the picture's
        `height`×`width`.
        """
        truth = read_grey(self.truth_file)
        if truth.shape != (height, width):
            raise PictureError(
                "truth_of_other_size",
                f"{self.truth_file.name} is {truth.shape[1]}×{truth.shape[0]}, its picture {width}×{height}. "
                "The ground truth must have the size of its picture.",
            )
        return truth


@dataclass(frozen=True, slots=True)
class DataSet:
    """Pairs in the order of the index, or sorted by name."""

    name: str
    pairs: tuple[Pair, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def of(self, truth: Truth) -> DataSet:
        """Returns only the pairs with this kind of truth."""
        return DataSet(self.name, tuple(pair for pair in self.pairs if pair.truth == truth))


def read_grey(file: Path) -> Matte:
    """Reads one grey picture, H×W uint8. Raises PictureError if the file is not a picture."""
    try:
        with Image.open(file) as picture:
            return np.asarray(picture.convert("L"))
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureError("broken_picture", f"{file.name} cannot be read as a picture: {error}.") from error


def open_dataset(folder: Path, truth: Truth | None = None, limit: int | None = None) -> DataSet:
    """Returns the pairs of a folder with `im/` and `gt/`; `truth` overrides the kind from the index or the
    guess.

    An `index.tsv` names the pairs in its column `id`, their set in `set` and the kind of their truth in
    `mask` (alpha or binary). `limit` keeps that many pairs, spread evenly. Raises SegmentationError
    (`no_dataset`, `no_pairs`, `no_truth`, `no_picture`) if something is missing.
    """
    pictures, truths = _files(folder / "im"), _files(folder / "gt")
    index = folder / "index.tsv"
    rows = (
        _index(index) if index.is_file() else [(stem, folder.resolve().name, "") for stem in sorted(pictures)]
    )
    if limit is not None and limit < len(rows):
        rows = [rows[i * len(rows) // limit] for i in range(limit)]
    if not rows:
        raise SegmentationError(
            "no_pairs", f"{folder / 'im'} holds no picture. Put pictures there, truths in gt/."
        )
    for stem, _, _ in rows:
        if stem not in pictures:
            raise SegmentationError(
                "no_picture", f"{folder / 'im'} has no picture {stem}, which the index names."
            )
        if stem not in truths:
            raise SegmentationError(
                "no_truth", f"{folder / 'gt'} has no truth for {stem}: name it {stem}.png."
            )
    guessed: Truth | None = None
    pairs = []
    for stem, part, mask in rows:
        kind = truth
        if kind is None and mask:
            kind = "soft" if mask == "alpha" else "binary"
        if kind is None:
            guessed = guessed or guess_truth([truths[name] for name, _, _ in rows])
            kind = guessed
        pairs.append(Pair(stem, pictures[stem], truths[stem], part, kind))
    return DataSet(folder.resolve().name, tuple(pairs))


def guess_truth(files: list[Path]) -> Truth:
    """Returns soft if, over a sample of the truths, more than 1.5 % of all pixels are clearly neither 0 nor
    1.
    """
    step = max(1, len(files) // SAMPLE_SIZE)
    shares = []
    for file in files[::step]:
        truth = read_grey(file)
        shares.append(np.mean((truth > 0.1 * 255) & (truth < 0.9 * 255)))
    return "soft" if float(np.mean(shares)) > SOFT_SHARE else "binary"


def _files(folder: Path) -> dict[str, Path]:
    """Returns the picture files of a folder by their stem."""
    if not folder.is_dir():
        raise SegmentationError(
            "no_dataset", f"{folder} is not a folder. A data set has pictures in im/ and their truths in gt/."
        )
    return {file.stem: file for file in sorted(folder.iterdir()) if file.suffix.lower() in PICTURE_SUFFIXES}


def _index(file: Path) -> list[tuple[str, str, str]]:
    """Returns the rows (id, set, mask) of an index; mask is empty if the column is missing."""
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines, delimiter="\t")
        if not {"id", "set"} <= set(reader.fieldnames or ()):
            raise SegmentationError("bad_index", f"{file} needs the columns id and set, divided by tabs.")
        return [(row["id"], row["set"], row.get("mask") or "") for row in reader]

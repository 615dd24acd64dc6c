"""Training pairs on disk: folders with im/ and gt/, tar shards, or an index file; mixed by weight.

Pairs are matched by stem: `im/<stem>.webp` belongs to `gt/<stem>.png`. An index is a TSV file with the
columns `image` and `truth` (paths relative to the file) and optionally `weight`, a whole number of
repetitions.
"""

from __future__ import annotations

import csv
import hashlib
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from segmentation.evaluation.dataset import PICTURE_SUFFIXES
from segmentation.training.config import TrainingError

Bytes = NDArray[np.uint8]
HASH_PARTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One encoded pair: `image` and `truth` return the bytes of the files."""

    stem: str
    image: Callable[[], bytes]
    truth: Callable[[], bytes]

    @property
    def part(self) -> int:
        """A number from 0 to 999 that depends only on the stem: it decides which pairs are held out."""
        return int(hashlib.sha256(self.stem.encode()).hexdigest(), 16) % HASH_PARTS


@dataclass(frozen=True, slots=True)
class Source:
    """The pairs of one path, and the factor by which they are drawn more often than others."""

    path: str
    weight: float
    entries: tuple[Entry, ...]


def decode(image: bytes, truth: bytes, stem: str) -> tuple[Bytes, Bytes]:
    """Decodes a pair to H×W×3 RGB and H×W grey, both uint8. Raises TrainingError: unreadable_pair,
    mismatched_pair.
    """
    picture = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    mask = cv2.imdecode(np.frombuffer(truth, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None or mask is None:
        which = "picture" if picture is None else "truth"
        raise TrainingError(
            "unreadable_pair", f"The {which} of {stem} cannot be read. `train check` lists all."
        )
    if picture.shape[:2] != mask.shape:
        raise TrainingError(
            "mismatched_pair",
            f"The picture of {stem} is {picture.shape[1]}×{picture.shape[0]}, its truth "
            f"{mask.shape[1]}×{mask.shape[0]}. `train check` lists all such pairs.",
        )
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), np.asarray(mask, np.uint8)


def open_source(spec: str) -> Source:
    """Returns the pairs of a `data` setting: `PATH` or `PATH=WEIGHT`. Raises TrainingError `no_data`."""
    path, weight = _parse(spec)
    place = Path(path)
    if place.is_dir() and (place / "im").is_dir():
        entries = list(_folder(place))
    elif place.is_dir() and any(place.glob("*.tar")):
        entries = [entry for shard in sorted(place.glob("*.tar")) for entry in _tar(shard)]
    elif place.suffix == ".tar" and place.is_file():
        entries = list(_tar(place))
    elif place.suffix == ".tsv" and place.is_file():
        entries = list(_index(place))
    else:
        raise TrainingError(
            "no_data",
            f"{path} must be a folder with im/ and gt/, a folder of .tar shards, a .tar or a .tsv file.",
        )
    if not entries:
        raise TrainingError("no_data", f"{path} has no pair: a picture and a truth of the same stem.")
    return Source(path, weight, tuple(entries))


def split(source: Source, permille: int) -> tuple[Source, list[Entry]]:
    """Returns the source without the held-out entries, and those entries: `permille` of 1,000 stems, chosen
    by hash.
    """
    kept = tuple(entry for entry in source.entries if entry.part >= permille)
    return Source(source.path, source.weight, kept), [e for e in source.entries if e.part < permille]


class Pairs:
    """Decoded pairs by index. cache `ram` decodes everything immediately, `encoded` at each use."""

    def __init__(self, entries: Sequence[Entry], cache: str, loaders: int, quiet: bool = False) -> None:
        self._entries = list(entries)
        self._decoded: list[tuple[Bytes, Bytes]] | None = None
        if cache == "ram":
            with ThreadPoolExecutor(loaders) as pool:
                rows = pool.map(self._decode, self._entries)
                shown = tqdm(
                    rows, total=len(self._entries), desc="decoding", unit="pair", disable=quiet or None
                )
                self._decoded = list(shown)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, number: int) -> tuple[Bytes, Bytes]:
        """Returns H×W×3 RGB and H×W grey, uint8. Do not write to them: they may be the cache's own arrays."""
        return self._decode(self._entries[number]) if self._decoded is None else self._decoded[number]

    def stem(self, number: int) -> str:
        """Returns the stem of a pair."""
        return self._entries[number].stem

    @staticmethod
    def _decode(entry: Entry) -> tuple[Bytes, Bytes]:
        return decode(entry.image(), entry.truth(), entry.stem)


def _parse(spec: str) -> tuple[str, float]:
    path, equals, weight = spec.rpartition("=")
    if not equals or "/" in weight:
        return spec, 1.0
    try:
        number = float(weight)
    except ValueError:
        return spec, 1.0
    if not 0 < number < 1e6:
        raise TrainingError("bad_setting", f"The weight in {spec!r} must be above 0.")
    return path, number


def _folder(place: Path) -> Iterator[Entry]:
    truths = {file.stem: file for file in (place / "gt").iterdir()} if (place / "gt").is_dir() else {}
    for file in sorted((place / "im").iterdir()):
        if file.suffix.lower() in PICTURE_SUFFIXES and file.stem in truths:
            yield Entry(file.stem, file.read_bytes, truths[file.stem].read_bytes)


def _tar(shard: Path) -> Iterator[Entry]:
    """Yields the pairs of a shard. Its table is read once; bytes are read from their offsets at each use."""
    found: dict[str, dict[str, tuple[int, int]]] = {"im": {}, "gt": {}}
    try:
        with tarfile.open(shard) as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if member.isfile() and path.parent.name in found:
                    found[path.parent.name][path.stem] = (member.offset_data, member.size)
    except tarfile.TarError as error:
        raise TrainingError("no_data", f"{shard.name} is not a readable tar file: {error}.") from error
    for stem in sorted(found["im"].keys() & found["gt"].keys()):
        yield Entry(stem, _range(shard, *found["im"][stem]), _range(shard, *found["gt"][stem]))


def _range(file: Path, start: int, length: int) -> Callable[[], bytes]:
    def read() -> bytes:
        with file.open("rb") as opened:
            opened.seek(start)
            return opened.read(length)

    return read


def _index(file: Path) -> Iterator[Entry]:
    with file.open(encoding="utf-8", newline="") as opened:
        rows = csv.DictReader(opened, delimiter="\t")
        if not {"image", "truth"} <= set(rows.fieldnames or ()):
            raise TrainingError("no_data", f"{file.name} needs the columns image and truth.")
        for row in rows:
            image, truth = file.parent / row["image"], file.parent / row["truth"]
            for copy in range(int(row.get("weight") or 1)):
                name = image.stem if not copy else f"{image.stem}#{copy}"
                yield Entry(name, image.read_bytes, truth.read_bytes)

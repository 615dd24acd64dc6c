"""The contenders, and the folders of PNGs that each writes: what its user would get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from PIL import Image
from tqdm import tqdm

from segmentation.errors import PictureError
from segmentation.evaluation.dataset import Pair
from segmentation.pipeline import Pipeline
from segmentation.recipe import Recipe
from tests.benchmarks.accuracy.rembg_client import Rembg


@dataclass(frozen=True, slots=True)
class Contender:
    """`make(picture, out)` writes a cut-out with alpha as PNG and returns the seconds from bytes to bytes."""

    key: str
    label: str
    make: Callable[[Path, Path], float]


def ours(pipeline: Pipeline, level: str, *, processor: bool = False) -> Contender:
    """Returns our full pipeline, decoding and encoding included, at one level of refinement.

    processor: measure CPU seconds. When ours finds no subject, its user gets nothing: an empty cut-out is
    written.
    """
    recipe = Recipe(refine=level)
    clock = process_time if processor else perf_counter

    def make(picture: Path, out: Path) -> float:
        data = picture.read_bytes()
        begin = clock()
        try:
            encoded = pipeline.file(pipeline.segment(data, recipe), recipe).data
        except PictureError as error:
            if error.code != "unknown_foreground":
                raise
            with Image.open(picture) as source:
                Image.new("RGBA", source.size).save(out)
            return clock() - begin
        seconds = clock() - begin
        out.write_bytes(encoded)
        return seconds

    return Contender(f"ours-{level}", f"ours, {level}", make)


MATTING, DECONTAMINATE, VITMATTE = "-a", "-dc", "-vm"
_OPTIONS = {
    "": {},
    MATTING: {"alpha_matting": True},
    DECONTAMINATE: {"decontaminate": True},
    VITMATTE: {"vitmatte": True},
}


def theirs(rembg: Rembg, option: str = "", model: str = "u2net", *, usual: bool = True) -> Contender:
    """Returns rembg with one of its options (named as on its command line), or without.

    usual: with the same model as all others; otherwise the label includes its name.
    """

    def make(picture: Path, out: Path) -> float:
        return rembg.cutout(picture, out, _OPTIONS[option], model)

    label = " ".join(filter(None, ["rembg", "" if usual else f"-m {model}", option]))
    return Contender("rembg" + option if usual else f"rembg-{model}", label, make)


def cut_out(pairs: Iterable[Pair], contender: Contender, folder: Path, *, keep: bool) -> Path:
    """Writes cut-outs of all pairs as `folder/<key>/<stem>.png`; with `keep` existing ones are not
    replaced."""
    place = folder / contender.key
    place.mkdir(parents=True, exist_ok=True)
    for pair in tqdm(list(pairs), desc=contender.label, unit="picture"):
        out = place / f"{pair.stem}.png"
        if not (keep and out.exists()):
            contender.make(pair.picture, out)
    return place

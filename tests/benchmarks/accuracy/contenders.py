"""Who is compared, and the folders of PNGs that each leaves: what a user of it would get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

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


def ours(pipeline: Pipeline, level: str) -> Contender:
    """Our whole way, decoding and encoding included, at one level of refinement.

    Where ours says that there is no subject, its user gets nothing: an empty cut-out is written.
    """
    recipe = Recipe(refine=level)

    def make(picture: Path, out: Path) -> float:
        data = picture.read_bytes()
        begin = perf_counter()
        try:
            encoded = pipeline.file(pipeline.segment(data, recipe), recipe).data
        except PictureError as error:
            if error.code != "unknown_foreground":
                raise
            with Image.open(picture) as source:
                Image.new("RGBA", source.size).save(out)
            return perf_counter() - begin
        seconds = perf_counter() - begin
        out.write_bytes(encoded)
        return seconds

    return Contender(f"ours-{level}", f"ours, {level}", make)


def theirs(rembg: Rembg, *, matting: bool) -> Contender:
    """rembg at its defaults, or with its alpha matting (`-a`)."""

    def make(picture: Path, out: Path) -> float:
        return rembg.cutout(picture, out, matting=matting)

    return Contender("rembg-a" if matting else "rembg", "rembg -a" if matting else "rembg", make)


def cut_out(pairs: Iterable[Pair], contender: Contender, folder: Path, *, keep: bool) -> Path:
    """Cut-outs of all pairs as `folder/<key>/<stem>.png`; with `keep` those that are there already stay."""
    place = folder / contender.key
    place.mkdir(parents=True, exist_ok=True)
    for pair in tqdm(list(pairs), desc=contender.label, unit="picture"):
        out = place / f"{pair.stem}.png"
        if not (keep and out.exists()):
            contender.make(pair.picture, out)
    return place

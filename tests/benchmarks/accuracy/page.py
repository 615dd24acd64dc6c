"""A page of pictures side by side: source, ours, rembg's, truth, on a colour that shows every fringe.

The pictures are for local viewing only: the data's terms are research-only, so page and pictures go to a
folder that git ignores. Only `strip`, of a photo in the public domain, is for the documentation.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.evaluation.arrays import Matte, as_unit
from segmentation.evaluation.band import transition_band
from segmentation.evaluation.colour import Picture, composite
from segmentation.evaluation.dataset import Pair
from tests.benchmarks.accuracy.colours import read_cutout, reference

GREEN = (40, 160, 90)
WHOLE = 380  # pixels: the longer side of a whole picture on the page
DETAIL = 150  # pixels of the picture in the enlarged detail

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; background: #f4f4f2; color: #222; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.1rem; }
.row { display: grid; grid-auto-flow: column; gap: .75rem; justify-content: start; overflow-x: auto; }
figure { margin: 0; } figcaption { font-size: .85rem; } img { display: block; margin-bottom: .4rem; }
.detail { width: 300px; image-rendering: auto; }
@media (prefers-color-scheme: dark) { body { background: #1b1b1c; color: #ddd; } }
"""


def busiest(band: np.ndarray, side: int) -> tuple[int, int]:
    """Returns top and left of the square of this side that contains most of the band."""
    sums = np.pad(np.cumsum(np.cumsum(band.astype(np.int64), axis=0), axis=1), ((1, 0), (1, 0)))
    tall, wide = min(side, band.shape[0]), min(side, band.shape[1])
    inside = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    top, left = np.unravel_index(int(np.argmax(inside)), inside.shape)
    return int(top), int(left)


def laid(cutout: tuple[Picture, Matte]) -> Image.Image:
    """Returns a cut-out on green."""
    return Image.fromarray(np.rint(composite(*cutout, GREEN)).astype(np.uint8))


def row(pair: Pair, contenders: dict[str, str], folder: Path, pictures: Path, note: str) -> str:
    """Returns the HTML of one pair; writes its pictures."""
    truth = reference(pair)
    top, left = busiest(transition_band(as_unit(truth[1])), DETAIL)
    with Image.open(pair.picture) as picture:
        shown = {"source": picture.convert("RGB")}
    for key, label in contenders.items():
        shown[label] = laid(read_cutout(folder / key / f"{pair.stem}.png"))
    shown["truth"] = laid(truth)
    figures = []
    for position, (label, image) in enumerate(shown.items()):
        names = [f"{pair.stem}-{position}.webp", f"{pair.stem}-{position}-detail.webp"]
        small = image.copy()
        small.thumbnail((WHOLE, WHOLE))
        small.save(pictures / names[0], quality=90)
        part = image.crop((left, top, left + DETAIL, top + DETAIL))
        part.resize((2 * DETAIL, 2 * DETAIL), Image.Resampling.BICUBIC).save(pictures / names[1], quality=92)
        images = "".join(
            f'<img class="{kind}" src="pictures/{escape(name)}" alt="{escape(label)}, {kind}" loading="lazy">'
            for kind, name in zip(("whole", "detail"), names, strict=True)
        )
        figures.append(f"<figure>{images}<figcaption>{escape(label)}</figcaption></figure>")
    return (
        f'<h2>{escape(pair.stem)} <small>{escape(note)}</small></h2><div class="row">{"".join(figures)}</div>'
    )


def write(
    pairs: list[Pair], notes: dict[str, str], contenders: dict[str, str], folder: Path, out: Path
) -> Path:
    """Writes `out/index.html` with one row for each pair, from the cut-outs in `folder/<key>/`; returns the
    page.
    """
    pictures = out / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    rows = [row(pair, contenders, folder, pictures, notes.get(pair.stem, "")) for pair in pairs]
    page = out / "index.html"
    page.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Side by side</title>'
        f"<style>{STYLE}</style><h1>Side by side, on green</h1>"
        "<p>Whole, and the part with most of the transition band, twice as large. Research-only pictures: "
        f"not for publishing.</p>{''.join(rows)}</html>",
        encoding="utf-8",
    )
    return page


def strip(source: Path, cutouts: list[Path], out: Path) -> None:
    """Writes one WebP: a detail of the source, then of each cut-out on green, side by side, twice as large.

    The detail is where the last cut-out has most of its transition.
    """
    last = read_cutout(cutouts[-1])
    top, left = busiest(transition_band(as_unit(last[1]), widened=2), DETAIL)
    with Image.open(source) as picture:
        shown = [picture.convert("RGB"), *[laid(read_cutout(file)) for file in cutouts]]
    side, gap = 2 * DETAIL, 6
    canvas = Image.new("RGB", (len(shown) * (side + gap) - gap, side), "white")
    for position, image in enumerate(shown):
        part = image.crop((left, top, left + DETAIL, top + DETAIL))
        canvas.paste(part.resize((side, side), Image.Resampling.BICUBIC), (position * (side + gap), 0))
    out.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(out, quality=85, method=6)

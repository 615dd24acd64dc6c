"""One row for each of our levels and each of rembg's options: edges, colours and seconds, on the same
pictures.
"""

from __future__ import annotations

from segmentation.evaluation.report import markdown
from tests.benchmarks.accuracy.colours import Colours
from tests.benchmarks.accuracy.edges import Edges, band
from tests.benchmarks.accuracy.times import MEGAPIXELS, Times

NOT_MEASURED = "not measured"
# Options that may be missing, by label: their weights are not on any package index.
WITHOUT_WEIGHTS = {"rembg-vm": "rembg -vm", "rembg-bria-rmbg": "rembg -m bria-rmbg (its default)"}


def report(edges: Edges, colours: Colours, times: Times, labels: dict[str, str]) -> str:
    """Returns the means over the pictures with a correct map, and the seconds of a picture, as Markdown."""
    rows = []
    for key, label in {**labels, **WITHOUT_WEIGHTS}.items():
        if key not in labels:
            rows.append([label, *[NOT_MEASURED] * (2 + len(MEGAPIXELS))])
            continue
        seconds = [f"{times.seconds[megapixels, key]:.3f}" for megapixels in MEGAPIXELS]
        rows.append([label, f"{band(edges, key):.4f}", f"{colours.mean(key):.2f}", *seconds])
    head = ["", "edges: band error ↓", "colours: error ↓"]
    return markdown([*head, *[f"{times.unit}, {megapixels:g} MP ↓" for megapixels in MEGAPIXELS]], rows)

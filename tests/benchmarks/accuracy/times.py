"""Seconds from bytes to PNG bytes, ours and rembg's alternating on the same pictures, at 1.5 and 12
megapixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np
from PIL import Image
from tqdm import tqdm

from segmentation import foreground
from segmentation.evaluation.report import markdown
from segmentation.predictor import Predictor
from segmentation.refine import refine
from tests.benchmarks.accuracy.contenders import Contender
from tests.benchmarks.accuracy.verdict import Verdict

MEGAPIXELS = (1.5, 12.0)
RIVALS = ("rembg", "rembg-a", "rembg-dc")


@dataclass(frozen=True, slots=True)
class Times:
    """Median seconds by (megapixels, contender or stage), each the mean over the pictures.

    processor: CPU seconds, summed over its cores.
    """

    seconds: dict[tuple[float, str], float]
    pictures: tuple[str, ...]
    processor: bool = False

    @property
    def unit(self) -> str:
        """The unit of the seconds."""
        return "processor seconds" if self.processor else "seconds"


def resized(source: Path, megapixels: float, out: Path) -> Path:
    """Writes a JPEG (quality 92) of this many megapixels, in the source's proportions."""
    with Image.open(source) as picture:
        rgb = picture.convert("RGB")
    factor = (megapixels * 1e6 / (rgb.width * rgb.height)) ** 0.5
    size = (round(rgb.width * factor), round(rgb.height * factor))
    rgb.resize(size, Image.Resampling.LANCZOS).save(out, quality=92)
    return out


def timed(work: Callable[[], object], *, processor: bool = False) -> float:
    """Returns the seconds of one call, wall-clock or CPU time."""
    clock = process_time if processor else perf_counter
    begin = clock()
    work()
    return clock() - begin


def stages(predictor: Predictor, file: Path) -> dict[str, Callable[[], object]]:
    """Returns the extra steps of refinement on one picture, each as a repeatable function."""
    with Image.open(file) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    coarse = predictor.predict([rgb])[0]
    steps: dict[str, Callable[[], object]] = {}
    for level in ("fast", "best"):
        matte = refine(coarse, rgb, level)
        steps[f"refine {level}"] = lambda level=level: refine(coarse, rgb, level)  # type: ignore[misc]
        steps[f"colours {level}"] = lambda matte=matte: foreground.estimate(rgb, matte)  # type: ignore[misc]
    return steps


def measure(
    sources: list[Path],
    contenders: list[Contender],
    predictor: Predictor,
    folder: Path,
    rounds: int,
    *,
    processor: bool = False,
) -> Times:
    """Returns medians of `rounds` interleaved rounds for each picture and size, after a small warm-up."""
    folder.mkdir(parents=True, exist_ok=True)
    first = resized(sources[0], 0.2, folder / "warm.jpg")
    for who in contenders:
        who.make(first, folder / f"warm-{who.key}.png")
    for step in stages(predictor, first).values():
        step()
    samples: dict[tuple[float, str], list[float]] = {}
    bar = tqdm(total=len(sources) * len(MEGAPIXELS) * rounds, desc="times", unit="round")
    for megapixels in MEGAPIXELS:
        for source in sources:
            file = resized(source, megapixels, folder / f"{source.stem}-{megapixels:g}mp.jpg")
            steps = stages(predictor, file)
            found: dict[str, list[float]] = {}
            for _ in range(rounds):
                once = {who.key: who.make(file, folder / f"{file.stem}-{who.key}.png") for who in contenders}
                once |= {name: timed(step, processor=processor) for name, step in steps.items()}
                for name, seconds in once.items():
                    found.setdefault(name, []).append(seconds)
                bar.update()
            for name, several in found.items():
                samples.setdefault((megapixels, name), []).append(median(several))
    bar.close()
    return Times(
        {key: sum(several) / len(several) for key, several in samples.items()},
        tuple(source.stem for source in sources),
        processor,
    )


def report(times: Times, labels: dict[str, str]) -> str:
    """Returns seconds, and rembg's seconds divided by them, as Markdown."""
    names = list(dict.fromkeys(name for _, name in times.seconds))
    rows = []
    for name in names:
        cells = [labels.get(name, f"– {name} alone")]
        for megapixels in MEGAPIXELS:
            seconds = times.seconds[megapixels, name]
            ratios = [times.seconds[megapixels, rival] / seconds for rival in RIVALS]
            cells += [f"{seconds:.3f}", *[f"{ratio:.1f}×" for ratio in ratios]]
        rows.append(cells)
    head = [f"{times.unit} a picture"]
    for megapixels in MEGAPIXELS:
        head += [f"{megapixels:g} MP", *[f"{labels[rival]} / it" for rival in RIVALS]]
    return markdown(head, rows)


def verdicts(times: Times) -> list[Verdict]:
    """Compares the cost of `fast` (edges and colours) with rembg's whole time, and `best` with its alpha
    matting.
    """
    lines = []
    for megapixels in MEGAPIXELS:
        cost = times.seconds[megapixels, "refine fast"] + times.seconds[megapixels, "colours fast"]
        share = cost / times.seconds[megapixels, "rembg"]
        alone = times.seconds[megapixels, "refine fast"] / times.seconds[megapixels, "rembg"]
        lines.append(
            Verdict(
                f"cost of fast at {megapixels:g} MP, of rembg's total time",
                "< 10 %",
                f"{share:.1%} (edges {alone:.1%}, colours the rest)",
                share < 0.1,
            )
        )
    for megapixels in MEGAPIXELS:
        ratio = times.seconds[megapixels, "rembg-a"] / times.seconds[megapixels, "ours-best"]
        lines.append(
            Verdict(
                f"best at {megapixels:g} MP against rembg -a", "≥ 3× as fast", f"{ratio:.1f}×", ratio >= 3
            )
        )
    return lines

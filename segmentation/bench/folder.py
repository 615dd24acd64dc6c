"""Benchmarks a folder of photos on the command line, ours and rembg's, as a person would run it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from segmentation.bench.photos import jpeg_of
from segmentation.errors import EngineError
from segmentation.fetching import onnx_path


def _timed(command: list[str], env: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(
    model: str, photo: Path, megapixels: float, count: int, rembg_python: str | None
) -> list[dict[str, object]]:
    """Returns a row for each tool: seconds for the whole folder including start-up, pictures a second, ratio
    to rembg.
    """
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "in"
        folder.mkdir()
        # A few different files: making each one unique would take longer than cutting it out.
        made = [jpeg_of(photo, megapixels, seed) for seed in range(min(count, 5))]
        for number in range(count):
            (folder / f"{number:04}.jpg").write_bytes(made[number % len(made)])
        ours = [sys.executable, "-m", "segmentation", "cutout", str(folder), "--model", model, "--quiet"]
        commands = {
            level: [*ours, "-o", f"{scratch}/{level}", "--refine", level] for level in ("off", "fast")
        }
        env = {**os.environ, "U2NET_HOME": str(onnx_path(model).parent)}
        if rembg_python:
            # Its package has no `-m` form: use the script beside the Python interpreter.
            script = str(Path(rembg_python).absolute().with_name("rembg"))
            commands["rembg"] = [script, "p", "-m", model, str(folder), f"{scratch}/rembg"]
        seconds = {name: _timed(command, env) for name, command in commands.items()}
        for name in commands:
            if (written := len(list(Path(scratch, name).glob("*.png")))) != count:
                sentence = f"{name} wrote {written} of {count} pictures: its time is not comparable."
                raise EngineError("pictures_missing", sentence)
        for name, taken in seconds.items():
            row: dict[str, object] = {
                "megapixels": megapixels,
                "pictures": count,
                "way": name,
                "seconds": taken,
            }
            row["per_second"] = count / taken
            if rembg_python:
                row["ratio"] = seconds["rembg"] / taken
            rows.append(row)
    return rows


def peak_memory() -> int:
    """Returns the peak memory of this process, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

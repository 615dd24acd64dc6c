"""Our end of the comparison: orders to the Python that has rembg."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType

from segmentation import fetching

SIDE = Path(__file__).with_name("rembg_side.py")


class RembgError(RuntimeError):
    """The other Python is missing, lacks rembg, or ended."""


class Rembg:
    """A running interpreter with rembg, on the same ONNX file that our weights come from.

    `python` is its interpreter, `home` a folder for its idea of a weights folder. A context manager:
    leaving it ends the process. Raises RembgError where the interpreter has no rembg or ends.
    """

    def __init__(self, python: Path, home: Path, models: tuple[str, ...] = ("u2net",)) -> None:
        for model in models:
            fetching.pull(model, keep_onnx=True)
            place = home / "models" / model / f"{model}.onnx"
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.symlink_to(fetching.onnx_path(model))
        environment = {name: value for name, value in os.environ.items() if name != "U2NET_HOME"}
        try:
            self._process = subprocess.Popen(
                [python, SIDE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment | {"REMBG_HOME": str(home.resolve())},
            )
        except OSError as error:
            raise RembgError(f"There is no Python at {python}: `make rembg` makes one with rembg.") from error
        self.versions = {name: str(version) for name, version in self._answer().items()}

    def cutout(self, picture: Path, out: Path, *, matting: bool, model: str = "u2net") -> float:
        """Have `picture` cut out into the PNG `out`, with rembg's alpha matting or without.

        Returns seconds, from the file's bytes to the PNG's, files not counted.
        """
        stdin = self._process.stdin
        if stdin is None:
            raise RembgError("The Python with rembg takes no orders.")
        order = {"picture": str(picture), "out": str(out), "matting": matting, "model": model}
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        return float(self._answer()["seconds"])

    def _answer(self) -> dict[str, float]:
        stdout = self._process.stdout
        line = stdout.readline() if stdout else ""
        if not line:
            code = self._process.wait()
            raise RembgError(f"The Python with rembg ended with code {code}: is rembg[cpu] installed in it?")
        answer: dict[str, float] = json.loads(line)
        return answer

    def __enter__(self) -> Rembg:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

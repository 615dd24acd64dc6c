"""Our end of the comparison: sends commands to the Python interpreter that has rembg."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from segmentation import fetching

# Weights that no package index has: rembg downloads them from its own releases on demand.
OWN = ("vitmatte", "bria-rmbg")
SIDE = Path(__file__).with_name("rembg_side.py")


class RembgError(RuntimeError):
    """The other Python is missing, lacks rembg, or ended."""


class Rembg:
    """A running interpreter with rembg, using the same ONNX file as the source of our weights.

    `python` is its interpreter, `home` a folder for rembg's weights. `own`: the folder of weights that rembg
    downloaded itself (`~/.rembg`), for models that we have no weights for. `processor`: measure CPU seconds.
    A context manager: leaving it ends the process. Raises RembgError if the interpreter has no rembg or ends.
    """

    def __init__(
        self,
        python: Path,
        home: Path,
        models: tuple[str, ...] = ("u2net",),
        own: Path | None = None,
        *,
        processor: bool = False,
    ) -> None:
        self._measure = "processor" if processor else "seconds"
        for model in models:
            fetching.pull(model, keep_onnx=True)
            place = home / "models" / model / f"{model}.onnx"
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.symlink_to(fetching.onnx_path(model))
        for model in OWN:
            place = home / "models" / model
            if own is not None and (own / "models" / model).is_dir() and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to((own / "models" / model).resolve())
        self.own = tuple(model for model in OWN if any((home / "models" / model).glob("*.onnx")))
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
            raise RembgError(
                f"There is no Python at {python}: `make rembg` creates one with rembg."
            ) from error
        self.versions = {name: str(version) for name, version in self._answer().items()}

    def cutout(
        self, picture: Path, out: Path, options: Mapping[str, bool] | None = None, model: str = "u2net"
    ) -> float:
        """Cuts out `picture` into the PNG `out`; `options` are those of `rembg.remove`.

        Returns seconds, from the file's bytes to the PNG's, without file access.
        """
        stdin = self._process.stdin
        if stdin is None:
            raise RembgError("The Python with rembg accepts no commands.")
        order = {"picture": str(picture), "out": str(out), "options": dict(options or {}), "model": model}
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        return float(self._answer()[self._measure])

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

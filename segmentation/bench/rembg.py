"""Runs the real rembg in a separate process (its package versions differ from ours), one cut-out at a
time."""

from __future__ import annotations

import os
import struct
import subprocess
from types import TracebackType
from typing import Self

from segmentation.errors import EngineError
from segmentation.fetching import onnx_path

# Protocol: length-prefixed JPEG in, length of the PNG out. rembg's own prints go to stderr, so that stdout is
# free for it.
_SERVER = """
import os, struct, sys
out = os.fdopen(os.dup(1), "wb"); os.dup2(2, 1)
from rembg import new_session, remove
session = new_session(sys.argv[1])
while head := sys.stdin.buffer.read(8):
    data = remove(sys.stdin.buffer.read(struct.unpack("<q", head)[0]), session=session)
    out.write(struct.pack("<q", len(data))); out.flush()
"""


class Rembg:
    """`rembg.remove` with its defaults; python: the interpreter of an environment with rembg."""

    def __init__(self, python: str, model: str) -> None:
        if not onnx_path(model).exists():
            raise EngineError(
                "onnx_absent",
                f"rembg needs the ONNX file: python -m segmentation weights pull {model} --keep-onnx",
            )
        self._process = subprocess.Popen(
            [python, "-c", _SERVER, model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "U2NET_HOME": str(onnx_path(model).parent)},
        )

    def __call__(self, jpeg: bytes) -> int:
        """Cuts out one picture and returns the size of rembg's PNG."""
        pipe, answer = self._process.stdin, self._process.stdout
        if pipe is None or answer is None:
            raise EngineError("rembg_ended", "rembg's process has no pipes.")
        pipe.write(struct.pack("<q", len(jpeg)) + jpeg)
        pipe.flush()
        head = answer.read(8)
        if len(head) != 8:
            raise EngineError(
                "rembg_ended", "rembg's process ended: is rembg[cpu] installed in that environment?"
            )
        return int(struct.unpack("<q", head)[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(30)

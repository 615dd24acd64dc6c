"""The rembg end of the comparison. Runs in another Python that has rembg, and imports nothing of ours.

Reads one JSON command a line on stdin, {"picture": file, "options": {name: bool}, "model": name, "out":
file}. Writes one result a line on stdout, {"seconds": float, "processor": float}: wall-clock and CPU time,
from the file's bytes to PNG bytes, as `rembg i` works. The first line that it writes is its version:
{"rembg": "2.0.86", "onnxruntime": "1.31.1"}. REMBG_HOME is the folder of the weights.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Processes commands until stdin ends."""
    # rembg and its libraries may print anything; results get a stream of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import rembg

    def answer(what: dict[str, object]) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    answer({name: importlib.metadata.version(name) for name in ("rembg", "onnxruntime")})
    sessions: dict[str, object] = {}
    for line in sys.stdin:
        order = json.loads(line)
        model = order["model"]
        if model not in sessions:
            sessions[model] = rembg.new_session(model, providers=["CPUExecutionProvider"])
        data = Path(order["picture"]).read_bytes()
        begin, used = time.perf_counter(), time.process_time()
        png = rembg.remove(data, session=sessions[model], **order["options"])
        seconds, processor = time.perf_counter() - begin, time.process_time() - used
        Path(order["out"]).write_bytes(png)
        answer({"seconds": seconds, "processor": processor})


if __name__ == "__main__":
    main()

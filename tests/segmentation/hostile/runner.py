"""Decodes a group of hostile files in a subprocess with limited resources.

`python -m tests.segmentation.hostile.runner GROUP` writes a line of JSON for each file: its name, its outcome
(decoded, one of our error codes, or "uncaught: ..."), CPU seconds, and the peak growth of the process in
megabytes. Address space is limited, and a file that exceeds the CPU time limit ends the process.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from pathlib import Path

FUSE_SECONDS = 30
MEMORY_BYTES = 2_500_000_000


def _status(field: str) -> int:
    """Returns a line of /proc/self/status, in kB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)


def _outcome(data: bytes) -> str:
    from segmentation import pictures
    from segmentation.errors import PictureError

    try:
        pictures.inspect(data)
    except PictureError as error:
        refused = error.code
    else:
        refused = ""
    try:
        pictures.decode(data)
    except PictureError as error:
        if not error.sentence.endswith("."):
            return f"uncaught: no sentence: {error.sentence}"
        return error.code
    return "uncaught: inspect refuses what decode takes" if refused else "decoded"


def main(group: str) -> None:
    from tests.segmentation import hostile
    from tests.segmentation.samples.scene import saved, scene

    # Codecs and tables that are loaded once do not count as a file's cost.
    for format in ("JPEG", "PNG", "AVIF", "TIFF", "JPEG2000", "WEBP"):
        _outcome(saved(scene(), format))
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") * 1024 + MEMORY_BYTES,) * 2)
    for name, data in hostile.files(group):
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        signal.setitimer(signal.ITIMER_PROF, FUSE_SECONDS)
        start = time.process_time()
        try:
            outcome = _outcome(data)
        except Exception as error:  # noqa: BLE001 - finding these is what the run is for
            outcome = f"uncaught: {error!r}"
        seconds = time.process_time() - start
        grown = (_status("VmHWM") - before) / 1024
        line = {"name": name, "bytes": len(data), "outcome": outcome, "seconds": seconds, "megabytes": grown}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])

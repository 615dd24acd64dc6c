"""The two contenders as they really run: our whole platform, and rembg's server."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bgplatform.local import ports, process_tree
from segmentation.fetching import onnx_path
from tests.benchmarks.throughput.load import Target, wait_for
from tests.stack import Stack

# rembg's first import compiles for up to a minute.
START_SECONDS = 300


@contextmanager
def ours(folder: Path, model: str, **settings: str) -> Iterator[list[Target]]:
    """The platform as started by `make run`: web, Valkey, scheduler, courier and worker."""
    with Stack(folder, MODEL=model, COMPAT_MEGAPIXELS_A_MINUTE="1000000000", **settings) as stack:
        port, key = (
            urlsplit(stack.address).port or 80,
            {"X-Api-Key": stack.token("load", "--scope", "submit")},
        )
        full = {"size": "full", "format": "png"}
        yield [
            Target("ours, /v1.0/removebg", port, "/v1.0/removebg", "image_file", full, key),
            Target("ours, /api/remove", port, "/api/remove", "file", {}, key),
        ]


@contextmanager
def theirs(python: str, model: str) -> Iterator[Target]:
    """`rembg s` with its defaults, without its page."""
    port = ports.any_free()
    process = subprocess.Popen(
        [str(Path(python).with_name("rembg")), "s", "--host", "127.0.0.1", "--port", str(port), "--no-ui"],
        env={**os.environ, "U2NET_HOME": str(onnx_path(model).parent), "BROWSER": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=process_tree.die_with_parent,
    )

    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"rembg's server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    try:
        wait_for(answers, START_SECONDS)
        yield Target("rembg s", port, "/api/remove", "file", {"model": model})
    finally:
        process.terminate()
        process.wait(30)

"""What a worker needs: packages, weights, a cache folder, a device."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from bgplatform.doctor.finding import Finding, error, ok, warning
from segmentation import weights
from segmentation.errors import WeightsError


def check() -> Iterator[Finding]:
    """Yields the findings. An image without the engine (web, courier, scheduler) has only the first."""
    if not importlib.util.find_spec("torch"):
        yield ok("engine", "Not installed here: this is no worker.")
        return
    yield _weights()
    yield _cache(weights.cache_dir())
    yield _device()


def _weights() -> Finding:
    name = settings.MODEL
    try:
        record = weights.record(name)
    except WeightsError as problem:
        return error("weights", str(problem), f"Run python -m segmentation weights pull {name}.")
    if record is None or not record.path.is_file():
        return error(
            "weights",
            f"The weights of {name} are not in {weights.weights_dir()}.",
            f"Run python -m segmentation weights pull {name}, or set MODEL.",
        )
    if weights.sha256(record.path) != record.sha256:
        return error(
            "weights",
            f"{record.path} is damaged.",
            f"Delete it, and run python -m segmentation weights pull {name}.",
        )
    return ok("weights", f"{name} is here, with the right SHA-256.")


def _cache(folder: Path) -> Finding:
    if not folder.is_dir():
        return warning(
            "cache",
            f"{folder} does not exist.",
            "Create it, or set BGPLATFORM_CACHE: it keeps weights and models.",
        )
    if os.access(folder, os.W_OK):
        return ok("cache", f"{folder} can be written.")
    return ok("cache", f"{folder} is read-only: the worker compiles its model at each start.")


def _device() -> Finding:
    import torch  # a worker's package, present here

    if not settings.DEVICE.startswith("cuda"):
        which = f"{torch.cuda.device_count()} CUDA devices" if torch.cuda.is_available() else "no CUDA device"
        return ok("device", f"DEVICE is {settings.DEVICE}; this machine has {which}.")
    if not torch.cuda.is_available():
        return error(
            "device",
            f"DEVICE is {settings.DEVICE}, and PyTorch finds no CUDA device.",
            "Install the CUDA build of torch and NVIDIA's driver, or set DEVICE=auto.",
        )
    return ok("device", f"{torch.cuda.get_device_name()} is there.")

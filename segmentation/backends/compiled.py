"""Compiled OpenVINO networks, kept in the cache folder under our own key and with a digest.

A file is `compiled/<form>-<key>.bin`: the SHA-256 of the rest (32 bytes), then what OpenVINO exported. The
key covers everything that decides the compiled network: the weights, the code that builds the graph, the
options, OpenVINO's version and the processor. The digest is checked at every load, and a file that is damaged
is compiled anew: OpenVINO's own cache has no digest, and a damaged file gives wrong cut-outs without an
error.

The cache folder may be read-only or belong to another user. Then a network that is in it is used, and one
that is not is compiled at each start and not kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation import weights
from segmentation.errors import EngineError, WeightsError

if TYPE_CHECKING:
    import openvino

logger = logging.getLogger(__name__)

_DIGEST_BYTES = 32
# The modules whose code decides the graph: a change to them needs a new network.
_GRAPH_SOURCES = (Path(__file__).with_name("graph.py"), Path(__file__).parents[1] / "shapes.py")


def folder() -> Path:
    """The folder of the compiled networks; it need not exist."""
    return weights.cache_dir() / "compiled"


def path_of(form: str, facts: Mapping[str, object]) -> Path:
    """The file of a compiled network. form: a name for people. facts: what decides it beside the machine."""
    import openvino

    core = openvino.Core()
    key = hashlib.sha256()
    machine = {
        "openvino": openvino.get_version(),
        "cpu": core.get_property("CPU", "FULL_DEVICE_NAME"),
        "capabilities": sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
    }
    key.update(json.dumps([machine, dict(facts)], sort_keys=True).encode())
    for source in _GRAPH_SOURCES:
        key.update(source.read_bytes())
    return folder() / f"{form}-{key.hexdigest()[:16]}.bin"


def obtain(
    path: Path, build: Callable[[], openvino.Model], options: Mapping[str, object]
) -> openvino.CompiledModel:
    """The network in this file; built, compiled and kept there where the file is missing or damaged.

    One process at a time compiles a network; others wait for it. Where nothing can be written, each compiles
    for itself. Raises EngineError `engine_failed`.
    """
    known = _load(path, options)
    if known is not None:
        return known
    with ExitStack() as stack:
        try:
            stack.enter_context(weights.locked(f"compiled-{path.stem}"))
        except WeightsError as error:
            logger.info("the compiled network is not kept: %s", error.sentence)
            return _compile(build, options)
        # Another process may have compiled it while this one waited.
        known = _load(path, options)
        if known is None:
            known = _compile(build, options)
            _keep(known, path)
        return known


def _load(path: Path, options: Mapping[str, object]) -> openvino.CompiledModel | None:
    """The network of a file that is there and whole, else None."""
    import openvino

    try:
        with path.open("rb") as file:
            digest, data = file.read(_DIGEST_BYTES), file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.warning("the compiled network %s cannot be read: %s", path.name, error)
        return None
    if hashlib.sha256(data).digest() != digest:
        logger.warning("the compiled network %s is damaged; it is compiled again", path.name)
        return None
    try:
        return openvino.Core().import_model(data, "CPU", dict(options))
    except RuntimeError as error:
        logger.warning("the compiled network %s cannot be used: %s", path.name, error)
        return None


def _compile(build: Callable[[], openvino.Model], options: Mapping[str, object]) -> openvino.CompiledModel:
    import openvino

    try:
        return openvino.Core().compile_model(build(), "CPU", dict(options))
    except (OSError, RuntimeError) as error:
        raise EngineError("engine_failed", f"OpenVINO could not load the network: {error}") from error


def _keep(made: openvino.CompiledModel, path: Path) -> None:
    """Write it whole or not at all. Where that fails, the network in hand is used all the same."""
    try:
        data = made.export_model().getbuffer()
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as scratch:
            fresh = Path(scratch) / path.name
            with fresh.open("wb") as file:
                file.write(hashlib.sha256(data).digest())
                file.write(data)
            fresh.chmod(0o644)  # another user of the machine may run the worker
            os.replace(fresh, path)
    except (OSError, RuntimeError) as error:
        logger.warning("the compiled network %s is not kept: %s", path.name, error)

"""Cache of compiled OpenVINO networks, under our own key and with a digest.

A file is `compiled/<form>-<key>.bin`: the SHA-256 of the rest (32 bytes), then OpenVINO's export. The key
covers everything that determines the compiled network: the weights, the code that builds the graph, the
options, OpenVINO's version and the processor. The digest is checked at every load, and a damaged file is
recompiled: OpenVINO's own cache has no digest, and a damaged file there gives wrong cut-outs without an
error.

The cache folder may be read-only or belong to another user. Then networks in it are used, and missing ones
are compiled at each start without being stored.
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
# The modules whose code determines the graph: a change to them invalidates the cache.
_GRAPH_SOURCES = (Path(__file__).with_name("graph.py"), Path(__file__).parents[1] / "shapes.py")


def folder() -> Path:
    """Returns the folder of the compiled networks; it need not exist."""
    return weights.cache_dir() / "compiled"


def cached_path(form: str, facts: Mapping[str, object]) -> Path:
    """Returns the file of a compiled network. form: a human-readable name. facts: what determines it besides
    the machine.
    """
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


def load_or_compile(
    path: Path, build: Callable[[], openvino.Model], options: Mapping[str, object]
) -> openvino.CompiledModel:
    """Loads the network from this file; builds, compiles and stores it if the file is missing or damaged.

    One process at a time compiles a network; others wait for it. If nothing can be written, each compiles for
    itself. Raises EngineError `engine_failed`.
    """
    known = _load(path, options)
    if known is not None:
        return known
    with ExitStack() as stack:
        try:
            stack.enter_context(weights.locked(f"compiled-{path.stem}"))
        except WeightsError as error:
            logger.info("the compiled network is not stored: %s", error.sentence)
            return _compile(build, options)
        # Another process may have compiled it while this one waited.
        known = _load(path, options)
        if known is None:
            known = _compile(build, options)
            _store(known, path)
        return known


def _load(path: Path, options: Mapping[str, object]) -> openvino.CompiledModel | None:
    """Returns the network of an intact file, else None."""
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


def _store(made: openvino.CompiledModel, path: Path) -> None:
    """Stores the network atomically. On failure the loaded network is still used."""
    try:
        data = made.export_model().getbuffer()
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as scratch:
            fresh = Path(scratch) / path.name
            with fresh.open("wb") as file:
                file.write(hashlib.sha256(data).digest())
                file.write(data)
            fresh.chmod(0o644)  # the worker may run as another user
            os.replace(fresh, path)
    except (OSError, RuntimeError) as error:
        logger.warning("the compiled network %s is not stored: %s", path.name, error)

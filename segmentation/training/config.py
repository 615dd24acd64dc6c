"""The settings of a training run: one flat, typed dataclass, read from TOML and from command-line options.

The defaults are the paper's: the sum of binary cross-entropy over the fused map and six side outputs,
pictures resized to 320×320, random crops of 288, flips, Adam with a rate of 1e-3, batches of 12 (Qin et al.
2020, section 4.2).
"""

from __future__ import annotations

import argparse
import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from segmentation.errors import SegmentationError
from segmentation.shapes import SHAPES

PRECISIONS: Final = ("float32", "bfloat16")
SCHEDULES: Final = ("constant", "cosine")
CACHES: Final = ("ram", "encoded")


class TrainingError(SegmentationError):
    """An invalid setting, data set or checkpoint."""


def _setting(default: Any, text: str, *, least: float | None = None, most: float | None = None) -> Any:
    """A field with its help text and its range of values."""
    return dataclasses.field(default=default, metadata={"help": text, "least": least, "most": most})


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run. Paths are strings, relative to the working directory."""

    # What to train, from where, and where to write results.
    out: str = _setting("runs/u2netp", "folder for checkpoints, logs and sample pictures")
    architecture: str = _setting("u2netp", "network to train: u2net or u2netp")
    init_from: str = _setting(
        "scratch", "scratch, the name of a model, or a checkpoint: ours (.pt) or the authors' (.pth)"
    )
    keep_folded: bool = _setting(False, "train published weights without restoring BatchNorm")
    freeze_norm: bool = _setting(False, "keep the running statistics of BatchNorm as they are")
    train_only: tuple[str, ...] = _setting(
        (), "prefixes of the parameters to train, such as decoders.4 or sides; default: all"
    )
    resume: bool = _setting(True, "go on from out/last.pt where it exists")
    seed: int = _setting(0, "seed of initialisation, order and augmentation", least=0)

    # Data.
    data: tuple[str, ...] = _setting(
        (), "folders with im/ and gt/, .tar shards or .tsv index files; PATH=2 doubles the share of one"
    )
    validation: str = _setting("", "data set to validate on; default: a part of the data, chosen by hash")
    validation_permille: int = _setting(20, "pictures of 1,000 held out by hash", least=0, most=500)
    validation_limit: int = _setting(500, "validate on at most this many pictures", least=1)
    cache: str = _setting("ram", "ram: keep decoded pictures; encoded: decode again at each use")
    limit: int = _setting(0, "train on the first N pictures only; 0: all", least=0)
    loaders: int = _setting(2, "threads that prepare batches", least=1)
    prefetch: int = _setting(4, "batches prepared ahead", least=1)

    # Augmentation. Probabilities are 0..1.
    resize: int = _setting(320, "side to which pictures are resized before the crop", least=32)
    crop_min: int = _setting(288, "smallest side of the random crop", least=32)
    crop_max: int = _setting(288, "largest side of the random crop; drawn for each batch", least=32)
    flip: float = _setting(0.5, "probability of a horizontal flip", least=0, most=1)
    flip_vertical: float = _setting(0.0, "probability of a vertical flip", least=0, most=1)
    zoom: float = _setting(0.0, "crop up to this share off each picture before resizing", least=0, most=0.8)
    colour: float = _setting(
        0.0, "probability of changed brightness, contrast and saturation", least=0, most=1
    )
    blur: float = _setting(0.0, "probability of Gaussian or motion blur", least=0, most=1)
    jpeg: float = _setting(0.0, "probability of JPEG artefacts", least=0, most=1)
    noise: float = _setting(0.0, "probability of sensor noise", least=0, most=1)
    shrink: float = _setting(0.0, "probability of losing resolution", least=0, most=1)
    recompose: float = _setting(0.0, "probability of the subject on another picture", least=0, most=1)

    # Losses: weights of the terms, each summed over the seven outputs.
    bce: float = _setting(1.0, "binary cross-entropy, the paper's loss", least=0)
    edge_bce: float = _setting(0.0, "binary cross-entropy weighted towards edges", least=0)
    iou: float = _setting(0.0, "1 - soft intersection over union", least=0)
    ssim: float = _setting(0.0, "1 - structural similarity", least=0)
    alpha_l1: float = _setting(0.0, "absolute difference of alpha", least=0)
    gradient: float = _setting(0.0, "absolute difference of the gradients of alpha", least=0)
    teacher: str = _setting("", "name of a model to distil from")
    teacher_best: bool = _setting(False, "average the teacher's map with that of the mirrored picture")
    teacher_weight: float = _setting(1.0, "weight of the distillation term", least=0)

    # Optimiser.
    batch: int = _setting(12, "pictures of one process in one forward pass", least=1)
    accumulate: int = _setting(1, "forward passes before each step", least=1)
    steps: int = _setting(10_000, "steps of the optimiser", least=1)
    rate: float = _setting(1e-3, "learning rate", least=0)
    schedule: str = _setting("constant", "constant or cosine")
    warm_up: int = _setting(0, "steps over which the rate rises from 0", least=0)
    final_rate: float = _setting(0.01, "share of the rate that cosine ends at", least=0, most=1)
    weight_decay: float = _setting(0.0, "decoupled weight decay (AdamW)", least=0)
    clip: float = _setting(0.0, "largest norm of the gradient; 0: unlimited", least=0)
    ema: float = _setting(0.0, "decay of the moving average of the weights; 0: none", least=0, most=0.99999)

    # Machine.
    device: str = _setting("auto", "auto, cpu, cuda or cuda:N")
    precision: str = _setting("float32", "float32 or bfloat16 (autocast)")
    channels_last: bool = _setting(True, "memory layout of the network and its pictures")
    compile: bool = _setting(False, "torch.compile; slow to start")
    threads: int = _setting(0, "CPU threads of PyTorch; 0: its default", least=0)

    # Output, and stopping criteria.
    log_every: int = _setting(20, "steps between two lines of the log", least=1)
    save_every: int = _setting(500, "steps between two checkpoints", least=1)
    validate_every: int = _setting(1000, "steps between two validations", least=1)
    keep_best: int = _setting(3, "checkpoints with the best validation that are kept", least=1)
    patience: int = _setting(0, "stop after this many validations without a gain; 0: never", least=0)
    seconds: float = _setting(0.0, "stop after so much time, with a checkpoint; 0: never", least=0)
    samples: int = _setting(6, "pictures in the sample sheet of each validation", least=0)
    tensorboard: bool = _setting(False, "also log for TensorBoard (pip install tensorboard)")

    def __post_init__(self) -> None:
        """Raises TrainingError `bad_setting` for a value out of its range."""
        for field in dataclasses.fields(self):
            value, least, most = getattr(self, field.name), field.metadata["least"], field.metadata["most"]
            if (least is not None and value < least) or (most is not None and value > most):
                bounds = f"from {least}" + ("" if most is None else f" to {most}")
                raise _error(f"{field.name} is {value}: it must be {bounds}.")
        _one_of("architecture", self.architecture, tuple(SHAPES))
        _one_of("precision", self.precision, PRECISIONS)
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("cache", self.cache, CACHES)
        if self.crop_min > self.crop_max:
            raise _error(f"crop_min is {self.crop_min}, larger than crop_max, {self.crop_max}.")
        if self.crop_max > self.resize * 2:
            raise _error(f"crop_max is {self.crop_max}: at most twice resize, {self.resize}.")

    def as_dict(self) -> dict[str, Any]:
        """Returns the settings as values that TOML and JSON can represent."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }


def from_mapping(values: Mapping[str, Any]) -> TrainConfig:
    """Returns a config from named values. Raises TrainingError: unknown_setting, bad_setting."""
    fields = {field.name: field for field in dataclasses.fields(TrainConfig)}
    for name in values:
        if name not in fields:
            raise TrainingError(
                "unknown_setting", f"There is no setting {name!r}. `train --help` lists all of them."
            )
    return TrainConfig(**{name: _typed(name, fields[name].default, value) for name, value in values.items()})


def from_toml(path: Path) -> dict[str, Any]:
    """Returns the settings in a TOML file, unchecked. Raises TrainingError `bad_config`."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise TrainingError("bad_config", f"There is no file {path}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError("bad_config", f"{path.name} is not valid TOML: {error}.") from error


def add_options(parser: argparse._ActionsContainer) -> None:
    """Declares an option for every setting; options that are not given stay out of the namespace."""
    for field in dataclasses.fields(TrainConfig):
        option = "--" + field.name.replace("_", "-")
        about = f"{field.metadata['help']} (default: {_shown(field.default)})"
        if isinstance(field.default, bool):
            kind: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        elif isinstance(field.default, tuple):
            kind = {"nargs": "*", "metavar": "VALUE"}
        else:
            kind = {"type": type(field.default), "metavar": type(field.default).__name__.upper()}
        parser.add_argument(option, dest=field.name, default=argparse.SUPPRESS, help=about, **kind)


def _typed(name: str, default: Any, value: Any) -> Any:
    """Converts a value to the type of its field: lists become tuples, integers become floats where needed."""
    if isinstance(default, tuple):
        entries = [value] if isinstance(value, str) else value
        if isinstance(entries, list | tuple) and all(isinstance(entry, str) for entry in entries):
            return tuple(entries)
        raise _error(f"{name} must be a list of strings.")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise _error(f"{name} is {value!r}: it must be of type {type(default).__name__}.")
    return value


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise _error(f"{name} is {value!r}: choose one of {', '.join(choices)}.")


def _error(sentence: str) -> TrainingError:
    return TrainingError("bad_setting", sentence)


def _shown(default: Any) -> str:
    return "none" if default in ("", ()) else str(default)

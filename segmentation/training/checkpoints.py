"""Checkpoints: everything that a run needs to resume as if it had never stopped."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from segmentation.training.config import TrainConfig, TrainingError

# Settings that may change when a run resumes from a checkpoint.
_CHANGEABLE = frozenset(
    {
        "out", "resume", "steps", "seconds", "log_every", "save_every", "validate_every", "keep_best",
        "patience", "samples", "tensorboard", "loaders", "prefetch", "cache", "threads", "device", "compile",
        "init_from", "validation", "validation_limit",
    }
)  # fmt: skip


@dataclass
class Progress:
    """The progress of a run. best: score and file name of the best checkpoints, the best first."""

    step: int = 0
    best: list[tuple[float, str]] = field(default_factory=list)
    without_gain: int = 0


def save(path: Path, content: dict[str, Any]) -> None:
    """Writes a checkpoint atomically: a killed process leaves either the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def load(path: Path, config: TrainConfig) -> dict[str, Any]:
    """Returns the content of a checkpoint of the same run. Raises TrainingError `bad_checkpoint` if a setting
    that affects the result has changed.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        then = content["config"]
    except Exception as error:
        raise TrainingError(
            "bad_checkpoint", f"{path} cannot be read: {error} Delete it, or start with --no-resume."
        ) from error
    now = config.as_dict()
    changed = sorted(name for name in now if name not in _CHANGEABLE and then.get(name) != now[name])
    if changed:
        raise TrainingError(
            "bad_checkpoint",
            f"{path} was made with other settings ({', '.join(changed)}). Choose another --out, or "
            "--no-resume.",
        )
    return content


def keep_best(progress: Progress, score: float, most: int) -> tuple[list[str], str | None]:
    """Records a score. Returns the files that are no longer among the best, and this one's name if it is."""
    name = f"best-{progress.step:07d}.pt"
    ranked = sorted([*progress.best, (score, name)], key=lambda entry: -entry[0])
    gone = [file for _, file in ranked[most:] if file != name]
    progress.best = ranked[:most]
    return gone, name if any(file == name for _, file in progress.best) else None

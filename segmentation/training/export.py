"""Exports a checkpoint to a model that the platform serves: folded weights and a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from segmentation import weights
from segmentation.training.config import TrainingError
from segmentation.u2net import ARCHITECTURES, U2Net, fold


def export(checkpoint: Path, name: str, licence: str, replace: bool, folder: Path | None) -> Path:
    """Folds a checkpoint of `train`, registers it as `name`, and writes NAME.safetensors and NAME.md to
    `folder`.

    Uses the moving average if there is one. Returns the registered file. Raises TrainingError `bad_start`,
    and the errors of `weights.register`.
    """
    import tempfile

    from safetensors.torch import save_file

    content = _content(checkpoint)
    network = fold(_network(content))
    with tempfile.TemporaryDirectory() as scratch:
        place = folder or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        file = place / f"{name}.safetensors"
        architecture = str(content["config"]["architecture"])
        tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
        save_file(tensors, file, metadata={"architecture": architecture, "form": "folded"})
        registered = weights.register(name, file, architecture, licence, replace)
        if folder:
            (folder / f"{name}.md").write_text(model_card(name, licence, content), "utf-8")
    return registered


def model_card(name: str, licence: str, content: dict[str, Any]) -> str:
    """Returns the model card: data, settings, and the score on its own validation pictures."""
    config, progress = content["config"], content["progress"]
    best = progress["best"][0][0] if progress["best"] else None
    lines = [
        f"# {name}",
        "",
        f"- Architecture: {config['architecture']}",
        f"- Licence: {licence}",
        f"- Started from: {config['init_from']}",
        f"- Data: {', '.join(config['data'])}",
        f"- Teacher: {config['teacher'] or 'none'}",
        f"- Steps: {progress['step']} of {config['batch'] * config['accumulate']} pictures for each process",
        f"- Best maxF on held-out pictures: {'not measured' if best is None else f'{best:.4f}'}",
        "",
        "```json",
        json.dumps(config, indent=1),
        "```",
        "",
    ]
    return "\n".join(lines)


def _content(checkpoint: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if {"config", "progress", "model"} <= content.keys():
            return content
    except FileNotFoundError as error:
        raise TrainingError("bad_start", f"There is no file {checkpoint}.") from error
    except Exception as error:
        raise TrainingError(
            "bad_start", f"{checkpoint.name} is not a readable checkpoint: {error}"
        ) from error
    raise TrainingError("bad_start", f"{checkpoint.name} is not a checkpoint of `train`.")


def _network(content: dict[str, Any]) -> U2Net:
    state = content["ema"] or content["model"]
    folded = not any(".norm." in key for key in state)
    network = ARCHITECTURES[content["config"]["architecture"]](folded=folded)
    network.load_state_dict(state)
    return network.eval()

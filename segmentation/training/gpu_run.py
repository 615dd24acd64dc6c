"""One script for a short session on a CUDA GPU: trains, evaluates, and packs the result into parts.

    python -m segmentation.training.gpu_run --data SHARDS --out DIR --minutes 8

It fine-tunes the published weights of u2netp for the given time, with u2net as teacher. It evaluates the
result and the published weights on the same held-out pictures. It writes the folded weights in float16, a
report, and parts of at most 15 MiB. `--rehearse` runs a few steps on small crops, to test everything before a
GPU is available.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch

from segmentation import weights
from segmentation.training.config import TrainConfig
from segmentation.training.loop import train
from segmentation.training.sources import Pairs, open_source, split
from segmentation.training.start import read_state
from segmentation.training.validation import validate
from segmentation.u2net import ARCHITECTURES, U2Net, fold

PART_BYTES: Final = 15 * 2**20
HELD_OUT: Final = 50
# Seconds reserved for evaluation and packing.
RESERVED_SECONDS: Final = 60.0


def run_config(args: argparse.Namespace) -> TrainConfig:
    """Returns the settings of the run."""
    common: dict[str, Any] = {
        "data": tuple(args.data),
        "out": str(args.out / "run"),
        "architecture": args.model,
        "init_from": args.model,
        "validation_permille": HELD_OUT,
        "resume": False,
        "iou": 1.0,
        "edge_bce": 0.5,
        "zoom": 0.25,
        "colour": 0.4,
        "blur": 0.15,
        "jpeg": 0.25,
        "noise": 0.15,
        "shrink": 0.2,
        "recompose": 0.1,
        "schedule": "cosine",
        "clip": 1.0,
        "weight_decay": 1e-4,
        "ema": 0.999,
        "precision": "bfloat16",
        "samples": 0,
    }
    if args.model == "u2netp":
        common |= {"teacher": "u2net", "teacher_best": True}
    if args.rehearse:
        small = {"crop_min": 64, "crop_max": 64, "resize": 72, "batch": 2, "steps": args.steps, "limit": 16}
        return TrainConfig(**common, **small, rate=1e-4, validation_limit=8, validate_every=10**6)
    return TrainConfig(
        **common,
        crop_min=288,
        crop_max=288,
        batch=32 if args.model == "u2netp" else 16,
        steps=args.steps,
        rate=3e-4,
        warm_up=100,
        loaders=12,
        prefetch=12,
        validation_limit=500,
        validate_every=1000,
        seconds=max(30.0, 60 * args.minutes - RESERVED_SECONDS),
    )


def pack(network: U2Net, out: Path, name: str) -> list[Path]:
    """Writes the folded weights in float16, split into parts for a transfer that allows only small files."""
    from safetensors.torch import save

    half = {key: value.half().contiguous() for key, value in fold(network).state_dict().items()}
    content = save(half, metadata={"architecture": network.shape.name, "form": "folded"})
    parts = []
    for number, start in enumerate(range(0, len(content), PART_BYTES)):
        part = out / f"{name}.safetensors.{number:02d}"
        part.write_bytes(content[start : start + PART_BYTES])
        parts.append(part)
    return parts


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains, evaluates, packs, and prints the written files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", required=True, help="folders, shards or folders of shards")
    parser.add_argument("--out", type=Path, required=True, help="where the results go")
    parser.add_argument("--model", choices=tuple(ARCHITECTURES), default="u2netp")
    parser.add_argument(
        "--minutes", type=float, default=8.0, help="time for everything, in minutes (default: 8)"
    )
    parser.add_argument("--steps", type=int, default=20_000, help="maximum number of steps (default: 20000)")
    parser.add_argument("--rehearse", action="store_true", help="test run with small crops and few pictures")
    args = parser.parse_args(arguments)
    began = time.monotonic()
    args.out.mkdir(parents=True, exist_ok=True)
    config = run_config(args)
    progress = train(config)

    held_out = [entry for spec in config.data for entry in split(open_source(spec), HELD_OUT)[1]]
    held_out.sort(key=lambda entry: (entry.part, entry.stem))
    pairs = Pairs(held_out[: config.validation_limit], "encoded", config.loaders)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tuned = ARCHITECTURES[args.model]()
    tuned.load_state_dict(read_state(Path(config.out) / "last.pt"))
    scores = {
        name: validate(network.to(device).eval(), pairs, device, None, 0)
        for name, network in (("published", weights.load(args.model)), ("tuned", tuned))
    }
    parts = pack(tuned.cpu(), args.out, f"{args.model}-plus")
    report = {
        "steps": progress.step,
        "seconds": round(time.monotonic() - began),
        "config": config.as_dict(),
        **{name: {"max_f": s.max_f, "mae": s.mae, "pictures": s.pictures} for name, s in scores.items()},
    }
    (args.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(json.dumps({name: report[name] for name in ("steps", "seconds", "published", "tuned")}))
    print("\n".join(str(part) for part in parts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

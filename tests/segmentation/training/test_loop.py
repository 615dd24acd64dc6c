"""Training itself: it learns, resumes exactly after a kill, and several processes equal one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.training import checkpoints
from segmentation.training.checkpoints import Progress, keep_best
from segmentation.training.config import TrainConfig, TrainingError
from segmentation.training.loop import rate_at, train
from segmentation.training.sources import Pairs, open_source
from segmentation.training.validation import validate
from segmentation.u2net import ARCHITECTURES, U2NETP

# Several of these tests train in subprocesses; on a busy machine that takes minutes.
pytestmark = pytest.mark.timeout(600)

SMALL = {
    "resize": 40,
    "crop_min": 32,
    "crop_max": 32,
    "batch": 4,
    "threads": 1,
    "loaders": 1,
    "validation_permille": 0,
    "save_every": 1000,
    "validate_every": 1000,
    "samples": 0,
}


def _config(data: Path, out: Path, **more: object) -> TrainConfig:
    return TrainConfig(**{**SMALL, "data": (str(data),), "out": str(out), **more})


def _same(one: Path, other: Path) -> bool:
    first, second = (torch.load(path, weights_only=True) for path in (one, other))
    return all(torch.equal(first["model"][name], second["model"][name]) for name in first["model"])


@pytest.mark.parametrize("architecture", ["u2netp", "u2net"])
def test_every_parameter_gets_a_gradient(architecture: str) -> None:
    torch.manual_seed(0)
    network = ARCHITECTURES[architecture]()
    outputs = network(torch.randn(2, 3, 64, 64))
    sum(output.mean() for output in outputs).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name


def test_it_learns_eight_pictures(data: Path, tmp_path: Path) -> None:
    settings = {"limit": 8, "batch": 8, "crop_min": 48, "crop_max": 48, "resize": 48, "flip": 0.0}
    train(_config(data, tmp_path, **settings, steps=20, rate=5e-3, log_every=1))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 21))
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]


def test_a_killed_run_resumes_bit_for_bit(data: Path, tmp_path: Path) -> None:
    settings = {"steps": 12, "ema": 0.9, "colour": 0.5, "noise": 0.5, "recompose": 0.5, "warm_up": 3}
    train(_config(data, tmp_path / "whole", **settings))
    out = tmp_path / "killed"
    options = []
    for name, value in {**SMALL, **settings, "data": str(data), "out": str(out), "save_every": 5}.items():
        options += ["--" + name.replace("_", "-"), str(value)]
    process = subprocess.Popen([sys.executable, "-m", "segmentation", "train", *options])
    deadline = time.monotonic() + 90
    while not (out / "last.pt").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    at = torch.load(out / "last.pt", weights_only=True)["progress"]["step"]
    assert at >= 5
    train(_config(data, out, **settings))
    assert _same(tmp_path / "whole" / "last.pt", out / "last.pt")
    averages = [torch.load(tmp_path / n / "last.pt", weights_only=True)["ema"] for n in ("whole", "killed")]
    assert all(torch.equal(averages[0][name], averages[1][name]) for name in averages[0])


def test_a_stopped_run_resumes_bit_for_bit(data: Path, tmp_path: Path) -> None:
    train(_config(data, tmp_path / "whole", steps=6))
    train(_config(data, tmp_path / "parts", steps=3))
    train(_config(data, tmp_path / "parts", steps=6))
    assert _same(tmp_path / "whole" / "last.pt", tmp_path / "parts" / "last.pt")


def test_a_changed_setting_does_not_resume_from_an_old_checkpoint(data: Path, tmp_path: Path) -> None:
    train(_config(data, tmp_path, steps=1))
    with pytest.raises(TrainingError, match=r"other settings \(rate\)"):
        train(_config(data, tmp_path, steps=2, rate=1e-4))


def test_accumulation_and_two_processes_equal_one_larger_batch(data: Path, tmp_path: Path) -> None:
    folded = tmp_path / "folded.pt"
    torch.manual_seed(1)
    from segmentation.u2net import fold

    checkpoints.save(folded, {"model": fold(U2NETP()).state_dict(), "ema": None})
    # Without BatchNorm, whose statistics differ for each forward pass.
    common = {"init_from": str(folded), "keep_folded": True, "steps": 2, "rate": 1e-3}
    train(_config(data, tmp_path / "one", batch=4, **common))
    train(_config(data, tmp_path / "parts", batch=2, accumulate=2, **common))
    options = []
    for name, value in {
        **SMALL,
        **common,
        "batch": 2,
        "data": str(data),
        "out": str(tmp_path / "two"),
    }.items():
        flag = "--" + name.replace("_", "-")
        options += [flag] if value is True else [flag, str(value)]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run(
        [*command, "-m", "segmentation", "train", *options], check=True, timeout=110, env=os.environ
    )
    one = torch.load(tmp_path / "one" / "last.pt", weights_only=True)["model"]
    start = torch.load(folded, weights_only=True)["model"]
    for name in ("parts", "two"):
        other = torch.load(tmp_path / name / "last.pt", weights_only=True)["model"]
        moved = max(float((one[key] - start[key]).abs().max()) for key in one)
        apart = float(np.mean([float((one[key] - other[key]).abs().mean()) for key in one]))
        assert apart < 0.02 * moved, name


@pytest.mark.slow
def test_held_out_pictures_are_evaluated_and_the_best_checkpoints_kept(data: Path, tmp_path: Path) -> None:
    progress = train(
        _config(data, tmp_path, steps=6, validation_permille=400, validate_every=2, keep_best=2, samples=2)
    )
    assert progress.step == 6
    kept = sorted(path.name for path in tmp_path.glob("best-*.pt"))
    assert kept == sorted(name for _, name in progress.best)
    assert len(kept) == 2
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "max_f" in line] == [2, 4, 6]
    assert len(list((tmp_path / "samples").glob("*.webp"))) == 3


def test_the_best_checkpoints_are_kept() -> None:
    progress = Progress()
    seen = []
    for step, score in ((1, 0.5), (2, 0.7), (3, 0.4), (4, 0.6)):
        progress.step = step
        seen.append(keep_best(progress, score, 2))
    assert seen == [
        ([], "best-0000001.pt"),
        ([], "best-0000002.pt"),
        ([], None),
        (["best-0000001.pt"], "best-0000004.pt"),
    ]
    assert [score for score, _ in progress.best] == [0.7, 0.6]


def test_the_rate_rises_then_falls() -> None:
    config = TrainConfig(rate=1.0, warm_up=4, steps=104, schedule="cosine", final_rate=0.1)
    assert [rate_at(step, config) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate_at(4, config) == pytest.approx(1.0)
    assert rate_at(54, config) == pytest.approx(0.55)
    assert rate_at(104, config) == pytest.approx(0.1)
    assert rate_at(10**6, TrainConfig(rate=0.5)) == 0.5


def test_validation_gives_the_same_scores_as_evaluate(data: Path) -> None:
    torch.manual_seed(0)
    pairs = Pairs(open_source(str(data)).entries[:3], "ram", 1, quiet=True)
    judged = validate(U2NETP().eval(), pairs, torch.device("cpu"), None, 0)
    assert judged.pictures == 3
    assert 0 < judged.max_f <= 1
    assert 0 < judged.mae < 1

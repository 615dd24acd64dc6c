"""`train check` finds errors in data; `export` makes a model that the engine loads."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segmentation import weights
from segmentation.__main__ import main
from segmentation.training.check import check, picture_hash
from segmentation.training.config import TrainConfig
from segmentation.training.loop import train
from tests.segmentation.training.conftest import write_pairs


def _smooth(number: int) -> np.ndarray:
    rng = np.random.default_rng(1000 + number)
    coarse = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_CUBIC)


def _put(folder: Path, stem: str, rgb: np.ndarray, mask: np.ndarray, suffix: str = ".png") -> None:
    for name in ("im", "gt"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "im" / f"{stem}{suffix}"), rgb[..., ::-1])
    cv2.imwrite(str(folder / "gt" / f"{stem}.png"), mask)


def test_every_kind_of_finding(tmp_path: Path) -> None:
    data, test = tmp_path / "data", tmp_path / "test"
    good = np.zeros((96, 96), np.uint8)
    good[20:60, 20:60] = 255
    for number in range(3):
        _put(data, f"good{number}", _smooth(number), good)
    _put(data, "again", _smooth(0), good)
    _put(
        data,
        "smaller",
        cv2.resize(_smooth(1), (64, 64), interpolation=cv2.INTER_AREA),
        good[:64, :64],
        ".jpg",
    )
    _put(data, "empty", _smooth(4), np.zeros((96, 96), np.uint8))
    _put(data, "full", _smooth(5), np.full((96, 96), 255, np.uint8))
    _put(data, "mismatched", _smooth(6), good[:50])
    (data / "im" / "broken.png").write_bytes(b"no picture")
    (data / "gt" / "broken.png").write_bytes(b"no picture")
    _put(test, "theirs", _smooth(2), good)
    found = {(f.kind, frozenset({f.stem, f.other} - {""})) for f in check([str(data)], [str(test)], 2)}
    assert found == {
        ("duplicate", frozenset({"again", "good0"})),
        ("near_copy", frozenset({"smaller", "good1"})),
        ("empty", frozenset({"empty"})),
        ("full", frozenset({"full"})),
        ("mismatched", frozenset({"mismatched"})),
        ("unreadable", frozenset({"broken"})),
        ("leak", frozenset({"good2", "theirs"})),
    }


def test_the_command_prints_findings_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    mask = np.zeros((96, 96), np.uint8)
    mask[30:, 30:] = 255
    _put(folder, "one", _smooth(1), mask)
    assert main(["train", "check", str(folder)]) == 0
    _put(folder, "two", _smooth(1), mask)
    capsys.readouterr()
    assert main(["train", "check", str(folder)]) == 1
    assert capsys.readouterr().out.splitlines() == ["duplicate\ttwo\tone", "1 finding"]
    assert main(["train", "check"]) == 1


def test_the_hash_survives_scaling_and_jpeg() -> None:
    rgb = _smooth(9)
    smaller = cv2.resize(rgb, (60, 60), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 40])
    for other in (smaller, cv2.imdecode(data, cv2.IMREAD_COLOR)):
        assert (picture_hash(rgb) ^ picture_hash(np.asarray(other))).bit_count() <= 6
    assert (picture_hash(rgb) ^ picture_hash(_smooth(10))).bit_count() > 12


def test_a_trained_network_becomes_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BGPLATFORM_CACHE", str(tmp_path / "cache"))
    data = write_pairs(tmp_path / "data", 4)
    config = {"resize": 40, "crop_min": 32, "crop_max": 32, "batch": 2, "steps": 2, "ema": 0.5, "threads": 1}
    train(TrainConfig(data=(str(data),), out=str(tmp_path / "run"), validation_permille=0, **config))
    out = tmp_path / "model"
    assert main(["export", str(tmp_path / "run" / "last.pt"), "--name", "mine", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["mine.md", "mine.safetensors"]
    card = (out / "mine.md").read_text()
    assert "Steps: 2 of 2 pictures" in card
    network = weights.load("mine")
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 32, 32))[0].shape == (1, 1, 32, 32)
    capsys.readouterr()
    assert main(["export", str(tmp_path / "run" / "last.pt"), "--name", "mine"]) == 1
    assert "There is already a model 'mine'" in capsys.readouterr().err
    (tmp_path / "x.pt").write_bytes(b"")
    assert main(["export", str(tmp_path / "x.pt"), "--name", "other"]) == 1

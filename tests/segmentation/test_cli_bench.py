"""The parts of `python -m segmentation bench` whose answers do not depend on the clock."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from segmentation.__main__ import main
from segmentation.bench.photos import jpeg_of
from segmentation.bench.rounds import compare
from segmentation.pipeline import Pipeline

COFFEE = Path(__file__).resolve().parents[2] / "static" / "samples" / "coffee.webp"


@pytest.mark.parametrize("megapixels", [0.25, 2])
def test_photos_are_made_to_size_and_the_same_each_time(megapixels: float) -> None:
    data = jpeg_of(COFFEE, megapixels)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert image.width * image.height == pytest.approx(megapixels * 1e6, rel=0.01)
    assert jpeg_of(COFFEE, megapixels) == data
    assert jpeg_of(COFFEE, megapixels, seed=1) != data


def test_contenders_take_turns_after_one_unmeasured_round() -> None:
    calls: list[str] = []
    timed = compare({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2, "turns")
    assert calls == ["a", "b"] * 3
    assert sorted(timed) == ["a", "b"]
    assert all(timing.wall >= 0 and timing.cpu >= 0 for timing in timed.values())


@pytest.mark.real
def test_the_report_has_every_stage(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.json"
    options = [
        "--model",
        "u2netp",
        "--parts",
        "whole",
        "--sizes",
        "0.05",
        "--rounds",
        "1",
        "--json",
        str(target),
    ]
    assert main(["bench", "--photo", str(COFFEE), *options]) == 0
    report = json.loads(target.read_text("utf-8"))
    assert [row["way"] for row in report["whole"]] == ["off", "fast"]
    for row in report["whole"]:
        assert list(row["stages"]) == ["decode", "shrink", "network", "refine", "colours", "encode"]
    assert report["peak_memory"] > 0
    assert "| megapixels |" in capsys.readouterr().out

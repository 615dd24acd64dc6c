"""The sub-command `evaluate`, run as a user runs it."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest
from PIL import Image

from segmentation.cli import evaluate


def command(*words):
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return evaluate.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture
def folder(tmp_path):
    """Two pairs of a bright disc, with one correct matte and one that is wrong in a tenth of its pixels."""
    rows, columns = np.ogrid[:60, :80]
    truth = np.where((rows - 30) ** 2 + (columns - 40) ** 2 < 400, 255, 0).astype(np.uint8)
    wrong = truth.copy()
    wrong[:, :8] = 255
    for name in ("im", "gt", "mattes"):
        (tmp_path / name).mkdir()
    for stem, matte in (("a", truth), ("b", wrong)):
        Image.fromarray(np.dstack([truth, truth // 2 + 40, truth // 3 + 60])).save(
            tmp_path / f"im/{stem}.png"
        )
        Image.fromarray(truth).save(tmp_path / f"gt/{stem}.png")
        Image.fromarray(matte).save(tmp_path / f"mattes/{stem}.png")
    return tmp_path


def test_existing_mattes_are_scored_without_a_model(folder, capsys):
    assert command(folder, "--mattes", folder / "mattes", "--json", folder / "new/figures.json") == 0
    shown = capsys.readouterr().out
    assert "2 pictures" in shown
    assert f"| {folder.name}" in shown
    report = json.loads((folder / "new/figures.json").read_text())
    assert report["pictures"][0]["MAE"] == 0
    assert report["pictures"][1]["MAE"] == pytest.approx(0.1)
    assert report["sets"][0]["MAE"] == pytest.approx(0.05)
    assert report["data"] == folder.name


def test_limit_and_truth(folder, capsys):
    assert command(folder, "--mattes", folder / "mattes", "--limit", 1, "--truth", "soft") == 0
    assert "| soft truth" in capsys.readouterr().out


def test_errors_are_sentences(folder, capsys):
    assert command(folder / "nowhere", "--mattes", folder) == 1
    assert "is not a folder" in capsys.readouterr().err
    assert command(folder, "--mattes", folder / "im" / "nowhere") == 1
    assert "must hold one PNG for each picture" in capsys.readouterr().err


def test_a_limit_of_zero_is_refused(folder, capsys):
    with pytest.raises(SystemExit) as end:
        command(folder, "--limit", 0)
    assert end.value.code == 2
    assert "--limit" in capsys.readouterr().err


@pytest.mark.real
def test_real_weights_find_subjects(shared_data, tmp_path):
    """Figures of u2netp on a few pictures of ECSSD match the paper's, with each refinement level."""
    from segmentation.evaluation.dataset import DataSet, open_dataset
    from segmentation.evaluation.engine import from_engine
    from segmentation.evaluation.run import evaluate
    from segmentation.evaluation.scores import average
    from segmentation.predictor import Predictor

    bench = open_dataset(shared_data / "bench")
    part = DataSet("part", tuple(pair for pair in bench if pair.part == "ECSSD")[:6])
    predictor = Predictor("u2netp", device="cpu")
    for level in ("off", "fast"):
        values = average(list(evaluate(part, from_engine(predictor, level, "plain"))), "ECSSD").values
        assert values["maxF"] > 0.93
        assert values["MAE"] < 0.06
        assert values["relaxF"] > 0.75

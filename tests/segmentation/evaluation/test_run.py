"""Evaluating a whole set: scores, averages, tables and JSON, from mattes in a folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from segmentation.errors import PictureError, SegmentationError
from segmentation.evaluation.dataset import open_dataset
from segmentation.evaluation.report import as_json, number, tables
from segmentation.evaluation.run import evaluate, from_folder, read_alpha
from segmentation.evaluation.scores import average, by_set, score

TRUTH = np.zeros((30, 40), np.uint8)
TRUTH[8:20, 10:30] = 255
SOFT = TRUTH.copy()
SOFT[8:20, 9] = 128


@pytest.fixture
def folder(tmp_path):
    """Two binary pairs of set X, one of Y, one soft of Z; the mattes equal the truth, but upside down for
    `y`.
    """
    for name in ("im", "gt", "mattes"):
        (tmp_path / name).mkdir()
    rows = ["id\tset\tmask"]
    for stem, part, truth in (("x1", "X", TRUTH), ("x2", "X", TRUTH), ("y", "Y", TRUTH), ("z", "Z", SOFT)):
        Image.fromarray(np.dstack([truth] * 3)).save(tmp_path / "im" / f"{stem}.png")
        Image.fromarray(truth).save(tmp_path / "gt" / f"{stem}.png")
        matte = 255 - truth if stem == "y" else truth
        Image.fromarray(matte).save(tmp_path / "mattes" / f"{stem}.png")
        rows.append(f"{stem}\t{part}\t{'alpha' if part == 'Z' else 'binary'}")
    (tmp_path / "index.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def judged(folder, workers=None):
    return list(evaluate(open_dataset(folder), from_folder(folder / "mattes"), workers))


@pytest.mark.parametrize("workers", [1, 3])
def test_scores_come_in_the_order_of_the_pairs(folder, workers):
    assert [pair.stem for pair in judged(folder, workers)] == ["x1", "x2", "y", "z"]


def test_rows_for_each_set_and_for_all_sets(folder):
    rows = by_set(judged(folder))
    assert [(row.part, row.truth, row.pairs) for row in rows] == [
        ("X", "binary", 2),
        ("Y", "binary", 1),
        ("all binary", "binary", 3),
        ("Z", "soft", 1),
    ]
    perfect, inverse, both, soft = (row.values for row in rows)
    assert perfect == pytest.approx({"maxF": 1, "MAE": 0, "wF": 1, "Sm": 1, "relaxF": 1})
    assert inverse["MAE"] == 1
    assert both["MAE"] == pytest.approx(1 / 3)
    assert soft == {"SAD": 0, "MSE": 0, "Grad": 0, "Conn": 0, "band": 0, "IoU": 1}


def test_max_f_averages_precision_and_recall_before_f():
    """Two pictures with different best thresholds: one needs 200, the other 100; no threshold suits both."""
    truth = np.array([[255, 255, 0, 0]], np.uint8)
    high = score(np.array([[255, 200, 150, 0]], np.uint8), truth, "binary")
    low = score(np.array([[255, 100, 50, 0]], np.uint8), truth, "binary")
    assert high.values["maxF"] == low.values["maxF"] == 1.0
    # Above 150 the first has P 1, R 1, the second P 1, R .5: mean P 1, mean R .75.
    assert average([high, low], "both").values["maxF"] == pytest.approx(1.3 * 0.75 / (0.3 + 0.75))


def test_truths_without_a_band_are_excluded_from_the_band_mean():
    without, within = score(TRUTH, TRUTH, "soft"), score(TRUTH, SOFT, "soft")
    assert np.isnan(without.values["band"])
    assert average([without, within], "Z").values["band"] == within.values["band"] > 0
    assert np.isnan(average([without], "Z").values["band"])


def test_averaging_two_kinds_of_truth_is_refused():
    with pytest.raises(ValueError, match="one kind of truth"):
        average([score(TRUTH, TRUTH, "soft"), score(TRUTH, TRUTH, "binary")], "X")


def test_the_table_is_formatted_as_in_papers(folder):
    lines = tables(by_set(judged(folder))).splitlines()
    assert lines[0] == "| binary truth | pictures | maxF ↑ | MAE ↓ |  wF ↑ |  Sm ↑ | relaxF ↑ |"
    assert lines[2] == "| X            |        2 |  1.000 |  .000 | 1.000 | 1.000 |    1.000 |"
    assert lines[6] == "| soft truth | pictures | SAD ↓ | MSE ↓ | Grad ↓ | Conn ↓ | band ↓ | IoU ↑ |"


def test_figures_are_formatted_as_in_papers():
    assert [number(value) for value in (0.8734, 12.0, float("nan"), 0.0)] == [".873", "12.000", "–", ".000"]


def test_json_describes_the_run_and_has_each_picture(folder):
    pairs = judged(folder)
    report = as_json(by_set(pairs), pairs, {"model": "none"})
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["model"] == "none"
    assert report["sets"][1] == {"set": "Y", "truth": "binary", "pictures": 1} | report["sets"][1]
    assert report["pictures"][3]["id"] == "z"


def test_json_has_null_for_a_missing_figure():
    pair = score(TRUTH, TRUTH, "soft", stem="z", part="Z")
    report = as_json(by_set([pair]), [pair], {})
    assert report["pictures"][0]["band"] is None
    assert report["sets"][0]["band"] is None


def test_a_cutout_is_scored_by_its_alpha(tmp_path):
    file = tmp_path / "cutout.png"
    Image.fromarray(np.dstack([np.full_like(TRUTH, 90)] * 3 + [TRUTH])).save(file)
    np.testing.assert_array_equal(read_alpha(file), TRUTH)


def test_a_missing_matte_is_an_error(folder):
    (folder / "mattes" / "y.png").unlink()
    with pytest.raises(SegmentationError) as refusal:
        judged(folder)
    assert refusal.value.code == "no_matte"
    assert "y.png" in refusal.value.sentence


def test_a_damaged_matte_is_an_error(tmp_path):
    file = tmp_path / "y.png"
    file.write_bytes(b"no picture")
    with pytest.raises(PictureError) as refusal:
        read_alpha(file)
    assert refusal.value.code == "broken_picture"

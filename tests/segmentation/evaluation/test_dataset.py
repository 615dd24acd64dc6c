"""Folders of im/ and gt/, with and without an index, and the errors for invalid ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segmentation.errors import PictureError, SegmentationError
from segmentation.evaluation.dataset import open_dataset, read_grey

HARD = np.zeros((20, 30), np.uint8)
HARD[5:15, 5:25] = 255
SOFT = np.linspace(0, 255, 600).reshape(20, 30).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Three pairs: b and c with a binary truth, a with a soft one."""
    for name in ("im", "gt"):
        (tmp_path / name).mkdir()
    for stem, truth in (("b", HARD), ("a", SOFT), ("c", HARD)):
        Image.fromarray(np.dstack([truth] * 3)).save(tmp_path / "im" / f"{stem}.jpg")
        Image.fromarray(truth).save(tmp_path / "gt" / f"{stem}.png")
    (tmp_path / "im" / "notes.txt").write_text("not a picture")
    return tmp_path


def index(folder, text):
    (folder / "index.tsv").write_text(text, encoding="utf-8")


def test_without_an_index_pairs_are_sorted_in_one_set(folder):
    dataset = open_dataset(folder)
    assert [pair.stem for pair in dataset] == ["a", "b", "c"]
    assert {pair.part for pair in dataset} == {folder.name} == {dataset.name}
    assert dataset.pairs[1].picture.name == "b.jpg"
    assert len(dataset) == 3


def test_an_index_defines_order_set_and_kind(folder):
    index(folder, "id\tset\tmask\nc\tX\tbinary\na\tY\talpha\n")
    dataset = open_dataset(folder)
    assert [(pair.stem, pair.part, pair.truth) for pair in dataset] == [
        ("c", "X", "binary"),
        ("a", "Y", "soft"),
    ]
    assert [pair.stem for pair in dataset.of("soft")] == ["a"]


def test_truth_is_guessed_from_its_grey_levels(folder):
    assert {pair.truth for pair in open_dataset(folder)} == {"soft"}
    index(folder, "id\tset\nb\tX\nc\tX\n")
    assert {pair.truth for pair in open_dataset(folder)} == {"binary"}


def test_the_caller_overrides_the_index(folder):
    index(folder, "id\tset\tmask\nb\tX\tbinary\n")
    assert open_dataset(folder, truth="soft").pairs[0].truth == "soft"


def test_a_limit_spreads_evenly(folder):
    assert [pair.stem for pair in open_dataset(folder, limit=2)] == ["a", "b"]
    assert [pair.stem for pair in open_dataset(folder, limit=1)] == ["a"]
    assert len(open_dataset(folder, limit=9)) == 3


def test_a_truth_is_read_at_the_size_of_its_picture(folder):
    pair = open_dataset(folder).pairs[1]
    np.testing.assert_array_equal(pair.read_truth(20, 30), HARD)
    with pytest.raises(PictureError) as refusal:
        pair.read_truth(30, 20)
    assert refusal.value.code == "truth_of_other_size"
    assert "b.png is 30×20, its picture 20×30" in refusal.value.sentence


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "gt").rename(folder / "truths"), "no_dataset"),
        (lambda folder: (folder / "gt" / "a.png").unlink(), "no_truth"),
        (lambda folder: index(folder, "id\tset\nd\tX\n"), "no_picture"),
        (lambda folder: index(folder, "name\tset\nb\tX\n"), "bad_index"),
        (lambda folder: index(folder, "id\tset\n"), "no_pairs"),
        (lambda folder: [file.unlink() for file in (folder / "im").iterdir()], "no_pairs"),
    ],
)
def test_missing_parts_are_errors(folder, spoil, code):
    spoil(folder)
    with pytest.raises(SegmentationError) as refusal:
        open_dataset(folder)
    assert refusal.value.code == code


def test_a_damaged_truth_is_an_error(folder):
    file = folder / "gt" / "a.png"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(PictureError) as refusal:
        read_grey(file)
    assert refusal.value.code == "broken_picture"

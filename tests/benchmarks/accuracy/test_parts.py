"""The parts of the comparison that can be tested without pictures and without rembg."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from segmentation.evaluation.scores import PairScores
from tests.benchmarks.accuracy import document, options, shrinking, times
from tests.benchmarks.accuracy.colours import Colours
from tests.benchmarks.accuracy.edges import Edges
from tests.benchmarks.accuracy.page import busiest
from tests.benchmarks.accuracy.rembg_client import Rembg, RembgError
from tests.benchmarks.accuracy.verdict import Measured, Verdict, below, lower_by, table


def test_a_generated_part_replaces_only_the_text_between_its_markers(tmp_path):
    begin, end = document.markers("edges")
    file = tmp_path / "accuracy.md"
    file.write_text(f"before\n\n{begin}\nold\nolder\n{end}\n\nafter\n", encoding="utf-8")
    document.write(file, {"edges": "new \\1\n"})
    assert file.read_text(encoding="utf-8") == f"before\n\n{begin}\n\nnew \\1\n\n{end}\n\nafter\n"
    document.write(file, {"edges": "newer"})
    assert "new \\1" not in file.read_text(encoding="utf-8")


def test_a_document_without_the_markers_is_refused():
    with pytest.raises(ValueError, match="no place for 'edges'"):
        document.put("nothing here", "edges", "new")


def test_the_projects_document_has_markers_for_every_part():
    text = Path("docs/accuracy.md").read_text(encoding="utf-8")
    for name in (
        "verdicts",
        "edges",
        "whole",
        "colours",
        "bounds",
        "turned",
        "times",
        "options",
        "shrinking",
    ):
        assert document.put(text, name, "made").count("made\n\n<!-- end") == 1


def test_verdicts_are_relative_to_their_error():
    assert lower_by(0.03, 0.04) == pytest.approx(0.25)
    assert below("x", 0.03, 0.04, 0.2) == Verdict("x", "≥ 20% lower", "25.0% lower", True)
    assert not below("x", 0.05, 0.04, 0.2).holds
    assert table([below("x", 0.05, 0.04, 0.2)]).splitlines()[2].endswith("| 25.0% higher | **no** |")


def test_parts_measured_in_several_runs_make_one_table(tmp_path):
    file = tmp_path / "figures.json"
    first = Measured.read(file)
    first.put("times", [Verdict("t", "a", "b", True)], "Here.")
    first.write(file)
    second = Measured.read(file)
    second.put("edges", [Verdict("e", "a", "b", False)], "Here.")
    second.put("times", [Verdict("t2", "a", "b", True)], "There.")
    assert [line.what for line in second.verdicts()] == ["e", "t2"]
    assert second.report().splitlines()[-1].endswith("There.")
    second.write(file)
    assert Measured.read(file) == second


def test_the_detail_covers_most_of_the_band():
    band = np.zeros((60, 80), bool)
    band[40:50, 60:70] = True
    band[5, 5] = True
    top, left = busiest(band, 10)
    assert band[top : top + 10, left : left + 10].all()
    assert busiest(np.zeros((5, 6), bool), 10) == (0, 0)


def test_enlarged_pictures_have_twelve_megapixels_and_grain_is_reproducible():
    picture = np.full((30, 40, 3), 128, np.uint8)
    large = shrinking.enlarged(picture)
    assert large.shape == (3000, 4000, 3)
    grained = shrinking.grained(large[:200, :200], seed=1)
    assert np.std(grained) == pytest.approx(shrinking.GRAIN, rel=0.02)
    np.testing.assert_array_equal(grained, shrinking.grained(large[:200, :200], seed=1))


@pytest.mark.parametrize("python", [Path("no/such/python"), Path(sys.executable)])
def test_a_python_without_rembg_is_an_error(tmp_path, python):
    with pytest.raises(RembgError, match=r"There is no Python at|is rembg\[cpu\] installed"):
        Rembg(python, tmp_path, models=())


def test_the_table_of_options():
    """An option without weights has a row that says so; one with weights has a row of figures."""
    keys = {"ours-fast": "ours, fast", "rembg-dc": "rembg -dc"}
    scores = {
        key: [PairScores("a", "Set", "soft", {"band": value}, None)]
        for key, value in (("ours-fast", 0.07), ("rembg-dc", 0.1))
    }
    seconds = {(size, key): size / 4 for size in times.MEGAPIXELS for key in keys}
    made = options.report(
        Edges(scores, ("a",)),
        Colours({"a": {"ours-fast": 8.5, "rembg-dc": 9.25}}),
        times.Times(seconds, ("a",)),
        keys,
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in made.splitlines()[2:]]
    assert rows == [
        ["ours, fast", "0.0700", "8.50", "0.375", "3.000"],
        ["rembg -dc", "0.1000", "9.25", "0.375", "3.000"],
        ["rembg -vm", *["not measured"] * 4],
        ["rembg -m bria-rmbg (its default)", *["not measured"] * 4],
    ]
    with_weights = options.report(
        Edges({**scores, "rembg-vm": scores["rembg-dc"]}, ("a",)),
        Colours({"a": {"ours-fast": 8.5, "rembg-dc": 9.25, "rembg-vm": 7.0}}),
        times.Times(seconds | {(size, "rembg-vm"): 2.0 for size in times.MEGAPIXELS}, ("a",)),
        {**keys, "rembg-vm": "rembg -vm"},
    )
    assert "| rembg -vm" in with_weights
    assert with_weights.count("not measured") == 4


def test_weights_that_rembg_downloaded_are_found(tmp_path):
    """Without them nothing is measured, and nothing is downloaded."""
    own = tmp_path / "own" / "models" / "vitmatte"
    own.mkdir(parents=True)
    (own / "vitmatte-small.onnx").write_bytes(b"")
    said = tmp_path / "python"
    said.write_text('#!/bin/sh\necho \'{"rembg": "2.0.86"}\'\ncat > /dev/null\n', encoding="utf-8")
    said.chmod(0o755)
    with Rembg(said, tmp_path / "home", models=(), own=tmp_path / "own") as rembg:
        assert rembg.own == ("vitmatte",)
    with Rembg(said, tmp_path / "other", models=()) as rembg:
        assert rembg.own == ()

"""The parts of the comparison that can be checked without pictures and without rembg."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.accuracy import document, shrinking
from tests.benchmarks.accuracy.page import busiest
from tests.benchmarks.accuracy.rembg_client import Rembg, RembgError
from tests.benchmarks.accuracy.verdict import Measured, Verdict, below, lower_by, table


def test_a_made_part_replaces_only_what_lies_between_its_marks(tmp_path):
    begin, end = document.marks("edges")
    file = tmp_path / "accuracy.md"
    file.write_text(f"before\n\n{begin}\nold\nolder\n{end}\n\nafter\n", encoding="utf-8")
    document.write(file, {"edges": "new \\1\n"})
    assert file.read_text(encoding="utf-8") == f"before\n\n{begin}\n\nnew \\1\n\n{end}\n\nafter\n"
    document.write(file, {"edges": "newer"})
    assert "new \\1" not in file.read_text(encoding="utf-8")


def test_a_document_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="no place for 'edges'"):
        document.put("nothing here", "edges", "new")


def test_the_document_of_the_project_has_a_place_for_every_part():
    text = Path("docs/accuracy.md").read_text(encoding="utf-8")
    for name in ("verdicts", "edges", "whole", "colours", "bounds", "turned", "times", "shrinking"):
        assert document.put(text, name, "made").count("made\n\n<!-- end") == 1


def test_verdicts_are_shares_of_their_error():
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


def test_the_detail_is_where_most_of_the_band_is():
    band = np.zeros((60, 80), bool)
    band[40:50, 60:70] = True
    band[5, 5] = True
    top, left = busiest(band, 10)
    assert band[top : top + 10, left : left + 10].all()
    assert busiest(np.zeros((5, 6), bool), 10) == (0, 0)


def test_enlarged_pictures_have_twelve_megapixels_and_grain_is_repeatable():
    picture = np.full((30, 40, 3), 128, np.uint8)
    large = shrinking.enlarged(picture)
    assert large.shape == (3000, 4000, 3)
    grained = shrinking.grained(large[:200, :200], seed=1)
    assert np.std(grained) == pytest.approx(shrinking.GRAIN, rel=0.02)
    np.testing.assert_array_equal(grained, shrinking.grained(large[:200, :200], seed=1))


@pytest.mark.parametrize("python", [Path("no/such/python"), Path(sys.executable)])
def test_a_python_without_rembg_is_said(tmp_path, python):
    with pytest.raises(RembgError, match=r"There is no Python at|is rembg\[cpu\] installed"):
        Rembg(python, tmp_path, models=())

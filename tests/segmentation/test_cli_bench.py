"""The parts of `python -m segmentation bench` whose results do not depend on the clock."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from segmentation.__main__ import main
from segmentation.bench.document import markers, write
from segmentation.bench.photos import jpeg_of
from segmentation.bench.rounds import compare
from segmentation.errors import SegmentationError
from segmentation.pipeline import Pipeline

COFFEE = Path(__file__).resolve().parents[2] / "static" / "samples" / "coffee.webp"


@pytest.mark.parametrize("megapixels", [0.25, 2])
def test_photos_have_the_requested_size_and_are_reproducible(megapixels: float) -> None:
    data = jpeg_of(COFFEE, megapixels)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert image.width * image.height == pytest.approx(megapixels * 1e6, rel=0.01)
    assert jpeg_of(COFFEE, megapixels) == data
    assert jpeg_of(COFFEE, megapixels, seed=1) != data


def test_contenders_alternate_after_one_warm_up_round() -> None:
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


@pytest.mark.real
def test_maps_are_compared_with_float32_on_a_data_set(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set" / "im").mkdir(parents=True)
    (tmp_path / "set" / "gt").mkdir()
    with Image.open(COFFEE) as image:
        image.convert("RGB").save(tmp_path / "set" / "im" / "cup.png")
        cup = Image.new("L", image.size)
    cup.paste(255, (100, 50, 400, 300))
    cup.save(tmp_path / "set" / "gt" / "cup.png")
    document = tmp_path / "page.md"
    begin, end = markers("maps u2netp")
    document.write_text(f"before\n{begin}\nold\n{end}\nafter\n", "utf-8")
    target = tmp_path / "report.json"
    options = ["--model", "u2netp", "--json", str(target), "--document", str(document)]
    assert main(["bench", "--data", str(tmp_path / "set"), *options]) == 0
    rows = {row["way"].rsplit(" ", 1)[-1]: row for row in json.loads(target.read_text("utf-8"))["maps"]}
    assert rows["float32"]["error_worst"] == 0
    assert rows["float32"]["fall"] == 0
    assert 0 < rows["int8"]["error_mean"] == rows["int8"]["error_worst"] < 2
    assert rows["int8"]["worst"] == "cup"
    text = document.read_text("utf-8")
    assert text.startswith(f"before\n{begin}\n\n| way |")
    assert text.endswith(f"\n\n{end}\nafter\n")
    assert "old" not in text


@pytest.mark.parametrize(
    "options", [[], ["--parts", "maps", "--photo", "a.jpg"], ["--parts", "whole", "--data", "."]]
)
def test_benchmarks_without_their_inputs_are_refused(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *options]) == 2
    assert capsys.readouterr().err == "bench: maps need --data, everything else needs --photo.\n"


def test_a_document_without_a_place_for_the_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("nothing\n", "utf-8")
    with pytest.raises(SegmentationError) as error:
        write(file, "whole u2net", "| a |")
    assert error.value.code == "no_place"
    assert file.read_text("utf-8") == "nothing\n"

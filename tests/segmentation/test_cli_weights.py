"""`python -m segmentation weights`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import save_file

from segmentation.__main__ import main
from segmentation.u2net import U2NETP


def test_list_says_what_is_here_and_what_is_not(
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


def test_wrong_weights_get_a_sentence(
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

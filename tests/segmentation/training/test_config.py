"""A run's settings: the paper's by default, typed, validated, and each one an option."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import pytest

from segmentation.training.config import TrainConfig, TrainingError, add_options, from_mapping, from_toml


def test_the_defaults_are_the_papers() -> None:
    config = TrainConfig()
    assert (config.resize, config.crop_min, config.crop_max, config.batch, config.rate) == (
        320,
        288,
        288,
        12,
        1e-3,
    )
    assert config.bce == 1
    assert [config.edge_bce, config.iou, config.ssim, config.alpha_l1, config.gradient] == [0] * 5


def test_every_setting_is_an_option() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = {option for action in parser._actions for option in action.option_strings}
    for field in dataclasses.fields(TrainConfig):
        assert "--" + field.name.replace("_", "-") in options
    assert vars(parser.parse_args([])) == {}
    said = vars(parser.parse_args(["--batch", "3", "--no-resume", "--data", "a", "b", "--rate", "1e-4"]))
    assert said == {"batch": 3, "resume": False, "data": ["a", "b"], "rate": 1e-4}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"bacth": 3}, "unknown_setting"),
        ({"batch": 0}, "bad_setting"),
        ({"batch": "3"}, "bad_setting"),
        ({"batch": True}, "bad_setting"),
        ({"data": [1]}, "bad_setting"),
        ({"flip": 1.5}, "bad_setting"),
        ({"architecture": "resnet"}, "bad_setting"),
        ({"crop_min": 300}, "bad_setting"),
        ({"ema": 1.0}, "bad_setting"),
    ],
)
def test_an_invalid_setting_is_refused(values: dict[str, object], code: str) -> None:
    with pytest.raises(TrainingError) as refused:
        from_mapping(values)
    assert refused.value.code == code


def test_settings_are_read_from_toml(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('data = ["here"]\nrate = 1\n')
    config = from_mapping(from_toml(file))
    assert (config.data, config.rate) == (("here",), 1.0)
    file.write_text("data = [")
    with pytest.raises(TrainingError, match="not valid TOML"):
        from_toml(file)
    with pytest.raises(TrainingError, match="no file"):
        from_toml(tmp_path / "none.toml")

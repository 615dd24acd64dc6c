"""The Predictor: every engine and precision on a CPU, and clear errors for unavailable ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segmentation.backends import openvino_cpu, pytorch
from segmentation.backends.processor import has_exact_int8
from segmentation.errors import EngineError, WeightsError
from segmentation.predictor import Predictor
from segmentation.shrink import network_input, stretch
from segmentation.u2net import U2NETP, fold

SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"

# u2net in float32 takes seconds a picture on a busy machine, and its first load more.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    found = []
    for path in sorted(SAMPLES.iterdir()):
        with Image.open(path) as image:
            found.append(np.asarray(image.convert("RGB")))
    return found


@pytest.mark.real
@pytest.mark.parametrize(
    ("model", "engine", "precision", "steps"),
    [
        ("u2net", "torch", "bfloat16", 1),
        ("u2net", "openvino", "float32", 0.01),
        ("u2net", "openvino", "bfloat16", 1),
        ("u2net", "openvino", "int8", 1),
        ("u2netp", "torch", "bfloat16", 1),
        ("u2netp", "openvino", "float32", 0.01),
        ("u2netp", "openvino", "int8", 2),
    ],
)
def test_every_precision_keeps_the_map(
    predictor: Callable[..., Predictor],
    photos: list[np.ndarray],
    model: str,
    engine: str,
    precision: str,
    steps: float,
) -> None:
    if precision == "bfloat16" and not openvino_cpu.has_bfloat16():
        pytest.skip("this processor has no bfloat16")
    inputs = np.stack([network_input(rgb) for rgb in photos])
    exact = predictor(model).raw(inputs)
    other = predictor(model, precision, engine).raw(inputs)
    assert other.dtype == np.float32
    errors = [np.abs(stretch(a) - stretch(b)).mean() * 255 for a, b in zip(exact, other, strict=True)]
    assert float(np.mean(errors)) <= steps


@pytest.mark.real
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_a_batch_equals_single_calls(
    predictor: Callable[..., Predictor], photos: list[np.ndarray], engine: str
) -> None:
    found = predictor("u2netp", engine=engine)
    together = found.predict(photos)
    assert [single.shape for single in together] == [(320, 320)] * len(photos)
    for rgb, ours in zip(photos, together, strict=True):
        (alone,) = found.predict([rgb])
        assert ours.dtype == np.float32
        assert (float(ours.min()), float(ours.max())) == (0.0, 1.0)
        assert np.abs(ours - alone).max() <= 1 / 255 + 1e-6
    assert found.predict([]) == []


@pytest.mark.real
def test_a_flat_picture_gives_a_finite_map(predictor: Callable[..., Predictor]) -> None:
    for value in (0, 128, 255):
        (found,) = predictor("u2netp").predict([np.full((50, 60, 3), value, dtype=np.uint8)])
        assert np.isfinite(found).all()
        assert 0 <= float(found.min()) <= float(found.max()) <= 1


@pytest.mark.real
def test_the_description_names_engine_device_and_precision(predictor: Callable[..., Predictor]) -> None:
    assert predictor("u2netp").description == "u2netp on cpu by torch in float32"
    assert predictor("u2netp", "int8", "openvino").description == "u2netp on cpu by openvino in int8"
    predictor("u2netp").warm()


@pytest.mark.real
def test_auto_on_a_cpu_is_the_fastest_that_keeps_the_map(predictor: Callable[..., Predictor]) -> None:
    assert predictor("u2net", "auto", "auto").description == "u2net on cpu by openvino in int8"
    # Without VNNI, int8 changes the maps of a u2netp by 1.7/255: `auto` takes float32 there.
    small = "int8" if has_exact_int8() else "float32"
    assert predictor("u2netp", "auto", "auto").description == f"u2netp on cpu by openvino in {small}"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"device": "gpu"}, "unknown_device"),
        ({"device": "mps"}, "unknown_device"),
        ({"precision": "int4"}, "unknown_precision"),
        ({"engine": "tensorrt"}, "unknown_engine"),
        ({"engine": "openvino", "device": "cuda"}, "unknown_device"),
    ],
)
def test_unknown_options_are_refused(words: dict[str, str], code: str) -> None:
    with pytest.raises(EngineError) as error:
        Predictor("u2netp", **words)
    assert error.value.code == code


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
def test_a_missing_gpu_is_an_error_without_cpu_fallback(device: str) -> None:
    if torch.cuda.device_count() > int(device.partition(":")[2] or 0):
        pytest.skip("this machine has that card")
    with pytest.raises(EngineError) as error:
        Predictor("u2netp", device=device)
    assert error.value.code == "device_missing"
    assert device in error.value.sentence


@pytest.mark.real
@pytest.mark.parametrize(
    ("engine", "precision"), [("torch", "int8"), ("torch", "float16"), ("openvino", "float16")]
)
def test_an_unsupported_precision_is_an_error(engine: str, precision: str) -> None:
    with pytest.raises(EngineError) as error:
        Predictor("u2netp", "cpu", precision, engine)
    assert error.value.code == "precision_missing"


def test_unknown_models_are_errors(empty_cache: Path) -> None:
    with pytest.raises(WeightsError) as error:
        Predictor("u3net", "cpu")
    assert error.value.code == "unknown_model"


def test_mixed_precision_keeps_the_tail_exact(small_network: U2NETP) -> None:
    network = fold(small_network)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    after = pytorch.to_mixed_precision(network, torch.bfloat16).state_dict()
    exact = {key for key, value in after.items() if value.dtype == torch.float32}
    tails = {
        f"decoders.{decoder}.up.{step}.conv"
        for decoder, height in ((3, 6), (4, 7))
        for step in range(height - 4, height - 1)
    }
    expected = {*tails, *(f"sides.{side}" for side in range(6)), "fuse"}
    assert {key.rsplit(".", 1)[0] for key in exact} == expected
    assert all(torch.equal(after[key], before[key]) for key in exact)

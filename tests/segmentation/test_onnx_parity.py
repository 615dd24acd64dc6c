"""The same picture gives the same map in our network and in the authors' ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from segmentation.predictor import Predictor
from segmentation.shrink import network_input

SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"

# u2net in float32 takes seconds a picture on a busy machine, and its first load more.
pytestmark = pytest.mark.timeout(600)


@pytest.mark.real
@pytest.mark.parametrize("engine", ["torch"])
@pytest.mark.parametrize("model", ["u2net", "u2netp"])
def test_maps_agree_with_onnx_runtime(
    predictor: Callable[..., Predictor], authors_onnx: Callable[[str], Path], model: str, engine: str
) -> None:
    session = onnxruntime.InferenceSession(authors_onnx(model), providers=["CPUExecutionProvider"])
    with Image.open(SAMPLES / "astronaut.jpg") as image:
        entry = network_input(np.asarray(image.convert("RGB")))[None]
    theirs = session.run(None, {session.get_inputs()[0].name: entry})[0][:, 0]
    ours = predictor(model, "float32", engine).raw(entry)
    assert ours.dtype == np.float32
    assert ours.shape == (1, 320, 320)
    assert float(ours.max()) > 0.9
    assert np.abs(ours - theirs).max() < 1e-3

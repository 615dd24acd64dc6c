"""The OpenVINO graph: its resizing matrix, and that int8 stays int8 throughout."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from segmentation.backends.calibrate import find_ranges
from segmentation.backends.graph import SIZE, build, resize_matrix
from segmentation.shapes import U2NETP_SHAPE


@pytest.mark.parametrize("length", [10, 20, 40, 80, 160, 320])
def test_the_resize_matrix_enlarges_bilinearly(length: int) -> None:
    plane = np.random.default_rng(1).random((length, length)).astype(np.float32)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(plane)[None, None], size=(SIZE, SIZE), mode="bilinear", align_corners=False
    )
    way = resize_matrix(length)
    np.testing.assert_allclose(way @ plane @ way.T, theirs[0, 0].numpy(), atol=1e-6)


def _weights() -> dict[str, NDArray[np.float32]]:
    from segmentation.u2net import U2NETP, fold

    torch.manual_seed(1)
    network = fold(U2NETP().eval())
    return {name: value.numpy() for name, value in network.state_dict().items()}


def test_large_operations_stay_in_int8() -> None:
    import openvino

    ranges = find_ranges("u2netp")
    compiled = openvino.Core().compile_model(
        build(_weights(), U2NETP_SHAPE, ranges), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    kinds = Counter(
        (node.get_rt_info()["layerType"], node.get_rt_info()["runtimePrecision"])
        for node in compiled.get_runtime_model().get_ops()
    )
    # 112 blocks of which two are exact, and the six sides; the sides' sums of shifted taps are exact, too.
    assert kinds["Convolution", "i8"] + kinds["Convolution", "u8"] == 110 + 6
    assert kinds["Convolution", "f32"] == 2 + 6
    assert kinds["Interpolate", "f32"] == 2
    assert kinds["Concatenation", "f32"] == 2

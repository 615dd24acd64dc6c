"""int8 on processors that saturate: their detection, and the headroom of the weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from segmentation.backends import choose, processor
from segmentation.backends.graph import HALF_RANGE, _Builder
from segmentation.shapes import U2NETP_SHAPE


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    processor.has_exact_int8.cache_clear()
    yield
    processor.has_exact_int8.cache_clear()


@pytest.mark.parametrize(
    ("machine", "flags", "exact"),
    [
        ("x86_64", "fpu sse avx2 fma", False),
        ("x86_64", "fpu avx2 avx512f avx512bw", False),
        ("x86_64", "fpu avx2 avx_vnni", True),
        ("x86_64", "fpu avx512f avx512_vnni", True),
        ("x86_64", "amx_int8", True),
        ("x86_64", "", False),
        ("AMD64", "", False),
        ("aarch64", "", True),
        ("arm64", "", True),
    ],
)
def test_processor_detection(monkeypatch: pytest.MonkeyPatch, machine: str, flags: str, exact: bool) -> None:
    monkeypatch.setattr(processor.platform, "machine", lambda: machine)
    monkeypatch.setattr(processor, "_flags", lambda: set(flags.split()))
    assert processor.has_exact_int8() is exact


@pytest.mark.parametrize("largest", [127, HALF_RANGE])
def test_weights_use_the_allowed_steps(largest: int) -> None:
    weight = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
    kernel = _Builder({}, U2NETP_SHAPE, {"any": 1.0}, largest).kernel(weight, exact=False)
    steps = kernel.input_value(0).get_node().input_value(0).get_node().get_data()
    assert steps.dtype == np.int8
    assert np.abs(steps).reshape(4, -1).max(axis=1).tolist() == [largest] * 4
    # Two products of the largest byte and the largest weight, as VPMADDUBSW adds them.
    assert (2 * 255 * int(np.abs(steps).max()) <= 32_767) is (largest == HALF_RANGE)


@pytest.mark.parametrize(("exact", "u2netp"), [(True, "int8"), (False, "float32")])
def test_auto_chooses_an_accurate_precision(
    monkeypatch: pytest.MonkeyPatch, exact: bool, u2netp: str
) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr(choose, "has_exact_int8", lambda: exact)
    monkeypatch.setattr(choose, "find_ranges", lambda model: {"any": 1.0})
    monkeypatch.setattr(choose.weights, "ensure", lambda model: None)
    monkeypatch.setattr(choose.weights, "record", lambda model: SimpleNamespace(architecture=model))
    assert choose._on_cpu("u2net") == "int8"
    assert choose._on_cpu("u2netp") == u2netp

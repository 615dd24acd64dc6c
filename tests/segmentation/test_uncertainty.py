"""The float32 re-run: which maps get it, and that its result is float32's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segmentation.backends import openvino_cpu
from segmentation.backends.openvino_cpu import OpenVinoBackend
from segmentation.backends.uncertainty import UNDECIDED, is_undecided, uncertainty
from segmentation.pictures import decode
from segmentation.predictor import Predictor
from segmentation.shrink import network_input

SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"


def raw(share: float, value: float) -> np.ndarray:
    """A map of zeros and ones, a share of which has another value."""
    found = np.zeros((320, 320), dtype=np.float32)
    found[:160] = 1
    found.flat[: round(share * found.size)] = value
    return found


@pytest.mark.parametrize(
    ("share", "value", "expected"), [(0, 0, 0), (0.25, 1, 0), (0.25, 0.5, 0.25), (0.1, 0.25, 0.075)]
)
def test_uncertainty_is_the_distance_from_zeros_and_ones(share: float, value: float, expected: float) -> None:
    assert uncertainty(raw(share, value)) == pytest.approx(expected, abs=1e-6)
    # The stretched map's uncertainty counts.
    assert uncertainty(raw(share, value) * 0.5) == pytest.approx(expected, abs=1e-6)


def test_only_an_uncertain_map_with_a_subject_is_rerun() -> None:
    assert not is_undecided(raw(UNDECIDED - 0.01, 0.5))
    assert is_undecided(raw(UNDECIDED + 0.01, 0.5))
    assert is_undecided(raw(0.4, 0.5) * 0.07), "whether that is a subject float32 says"
    assert not is_undecided(raw(0.4, 0.5) * 0.05), "that is noise"


@pytest.mark.real
@pytest.mark.parametrize("undecided", [True, False])
def test_maps_undecided_in_int8_are_rerun_in_float32(
    predictor: Callable[..., Predictor], monkeypatch: pytest.MonkeyPatch, undecided: bool
) -> None:
    entry = network_input(decode(SAMPLES / "chelsea.png").rgb)
    exact = predictor("u2netp", "float32", "openvino").raw(entry[None])[0]
    backend = OpenVinoBackend("u2netp", "int8")
    monkeypatch.setattr(openvino_cpu, "is_undecided", lambda raw: undecided)
    several = backend.run(np.stack([entry] * 3))
    for found in (backend.run(entry[None])[0], backend.run_concurrently(entry), *several):
        assert bool(np.abs(found - exact).max() < 1e-4) is undecided
    assert (backend._exact is not None) is undecided


@pytest.mark.real
def test_other_precisions_are_not_rerun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_cpu, "is_undecided", lambda raw: pytest.fail("it asked"))
    OpenVinoBackend("u2netp", "float32").run(np.zeros((1, 3, 320, 320), dtype=np.float32))


@pytest.mark.real
def test_load_includes_the_float32_network() -> None:
    backend = OpenVinoBackend("u2netp", "int8")
    assert (backend._single_request, backend._idle_requests, backend._exact) == (None, None, None)
    backend.load()
    assert None not in (backend._single_request, backend._idle_requests, backend._exact)
    exact = OpenVinoBackend("u2netp", "float32")
    exact.load()
    assert exact._exact is None

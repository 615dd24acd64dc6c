"""Shared fixtures of the engine's tests: the real weights from the cache, and predictors that are loaded
once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from segmentation import weights
from segmentation.fetching import onnx_path
from segmentation.pipeline import Pipeline
from segmentation.predictor import Predictor
from segmentation.u2net import U2NETP


def _needs(model: str) -> None:
    if weights.verified(model) is None:
        pytest.skip(
            f"the weights of {model} are not in the cache: `python -m segmentation weights pull {model}`"
        )


@pytest.fixture(scope="session")
def predictor() -> Callable[..., Predictor]:
    """predictor(model, precision="float32", engine="torch") on the CPU; each is created once per run."""

    @cache
    def made(model: str, precision: str = "float32", engine: str = "torch") -> Predictor:
        _needs(model)
        return Predictor(model, "cpu", precision, engine)

    return made


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """u2netp with the automatic choice of engine and precision on this CPU."""
    _needs("u2netp")
    return Pipeline("u2netp", "cpu")


@pytest.fixture(scope="session")
def authors_onnx() -> Callable[[str], Path]:
    """authors_onnx(model): the authors' ONNX file, which `make test` keeps in the cache."""

    def found(model: str) -> Path:
        path = onnx_path(model)
        if not path.exists():
            pytest.skip(
                f"no {path.name} in the cache: `python -m segmentation weights pull {model} --keep-onnx`"
            )
        return path

    return found


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate, empty cache folder, and no network to fill it from."""
    monkeypatch.setenv("BGPLATFORM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BGPLATFORM_OFFLINE", "1")
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def small_network() -> U2NETP:
    """A U2NETP in training form with random weights, the same in every run."""
    generator = torch.random.get_rng_state()
    torch.manual_seed(11)
    network = U2NETP()
    torch.random.set_rng_state(generator)
    return network

"""Downscaling, normalising, stretching."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segmentation.shrink import SHRINK_METHODS, network_input, plain, quantised, stretch


@pytest.mark.parametrize("size", [(320, 320), (640, 480), (97, 1201), (1, 1), (3, 700), (2500, 1700)])
def test_plain_is_bilinear_sampling_at_half_pixel_centres(size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(rgb).permute(2, 0, 1)[None].double(),
        size=(320, 320),
        mode="bilinear",
        align_corners=False,
    )
    np.testing.assert_allclose(plain(rgb), theirs[0].permute(1, 2, 0).numpy(), atol=2e-3)


@pytest.mark.parametrize("method", SHRINK_METHODS)
def test_every_method_keeps_a_flat_colour_and_normalises_it(method: str) -> None:
    rgb = np.empty((1000, 700, 3), dtype=np.uint8)
    rgb[:] = (200, 100, 50)
    entry = network_input(rgb, method)
    assert entry.shape == (3, 320, 320)
    assert entry.dtype == np.float32
    expected = (np.array([1.0, 0.5, 0.25]) - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(entry.reshape(3, -1).T, np.tile(expected, (320 * 320, 1)), atol=1e-5)


def test_a_black_picture_stays_black() -> None:
    entry = network_input(np.zeros((10, 10, 3), dtype=np.uint8))
    np.testing.assert_allclose(entry[:, 0, 0], [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], atol=1e-6)


@pytest.mark.parametrize(
    ("method", "low", "high"), [("plain", 100, 255), ("smooth", 0, 40), ("two-step", 0, 20)]
)
def test_fine_stripes_alias_only_with_plain(method: str, low: float, high: float) -> None:
    stripes = np.zeros((1600, 1600, 3), dtype=np.uint8)
    stripes[:, ::2] = 254
    stripes[:800] = 127
    stripes[0, 0] = 255
    lower = network_input(stripes, method)[0, 170:] * 0.229 + 0.485
    found = float(np.abs(lower - lower.mean()).max() * 255)
    assert low <= found <= high


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="shrink method"):
        network_input(np.zeros((4, 4, 3), dtype=np.uint8), "bicubic")


def test_stretch_reaches_both_ends_and_keeps_a_flat_map() -> None:
    raw = np.array([[0.2, 0.4], [0.3, 0.6]], dtype=np.float32)
    np.testing.assert_allclose(stretch(raw), [[0, 0.5], [0.25, 1]], atol=1e-6)
    flat = np.full((2, 2), 0.25, dtype=np.float32)
    np.testing.assert_array_equal(stretch(flat), flat)


def test_quantisation_rounds_down_like_the_authors() -> None:
    values = np.array([[0, 0.9999, 1], [0.5 / 255, 1.5 / 255, 254.9 / 255]], dtype=np.float32)
    np.testing.assert_allclose(quantised(values) * 255, [[0, 254, 255], [0, 1, 254]], atol=1e-4)

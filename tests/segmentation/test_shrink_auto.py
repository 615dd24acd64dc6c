"""Which method `auto` chooses, and the effect of averaging to the training size."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.shrink import network_input, plain, two_step


def noise(height, width):
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("size", "method"),
    [((720, 1280), "plain"), ((1280, 90), "plain"), ((1281, 90), "two-step"), ((900, 1700), "two-step")],
)
def test_auto_is_plain_up_to_four_times_the_network_and_two_steps_above(size, method):
    rgb = noise(*size)
    np.testing.assert_array_equal(network_input(rgb, "auto"), network_input(rgb, method))
    other = "plain" if method == "two-step" else "two-step"
    assert np.abs(network_input(rgb, "auto") - network_input(rgb, other)).max() > 0.1


def test_pictures_of_the_training_size_are_only_sampled():
    rgb = noise(300, 400)
    np.testing.assert_array_equal(two_step(rgb), plain(rgb))


def test_an_eightfold_enlargement_gives_the_training_input():
    rgb = noise(300, 400)
    np.testing.assert_allclose(two_step(rgb.repeat(8, axis=0).repeat(8, axis=1)), plain(rgb), atol=1e-3)


def test_grain_is_averaged_out():
    grain = (
        np.random.default_rng(1).normal(128, 20, (2400, 3200, 1)).clip(0, 255).astype(np.uint8).repeat(3, 2)
    )
    assert np.std(two_step(grain)) < 3 < 10 < np.std(plain(grain))


def test_a_long_thin_picture_keeps_its_shorter_side():
    rgb = np.zeros((4000, 120, 3), np.uint8)
    rgb[:, 60:] = 255
    shrunk = two_step(rgb)
    assert shrunk[:, :150].max() == 0
    assert shrunk[:, 170:].min() == 255

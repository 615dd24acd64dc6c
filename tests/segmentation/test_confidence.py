"""Confidence: high for a clear subject, low for an uncertain, fragmented or missing one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segmentation.confidence import assess, picture_warnings, sharpness
from tests.segmentation.shapes import disk, photo


def test_a_clear_subject() -> None:
    judged = assess(disk(320, 320, 80, 2).astype(np.float32))
    assert judged.subject
    assert judged.confidence > 0.95
    assert judged.warnings == ()


def test_no_subject() -> None:
    for coarse in (np.zeros((320, 320), np.float32), np.full((320, 320), 0.4, np.float32)):
        judged = assess(coarse)
        assert (judged.confidence, judged.subject) == (0.0, False)
        assert judged.warnings == ("No subject stands out in this picture.",)


def test_an_undecided_map_has_low_confidence() -> None:
    wavering = 0.6 * disk(320, 320, 80, 2).astype(np.float32) + 0.1
    judged = assess(np.asarray(wavering, np.float32))
    assert judged.subject
    assert judged.confidence < 0.4
    assert "not clear" in judged.warnings[0]


def test_several_pieces_lower_the_confidence() -> None:
    pieces = np.zeros((320, 320), np.float32)
    for corner in (20, 120, 220):
        pieces[corner : corner + 60, corner : corner + 60] = 1
    one = np.zeros((320, 320), np.float32)
    one[60:164, 60:164] = 1
    assert assess(pieces).confidence == pytest.approx((0.7 + 0.3 / 3) ** 2, abs=1e-6)
    assert assess(one).confidence == 1
    assert "Several" in assess(pieces).warnings[0]


def test_a_subject_along_the_border_lowers_the_confidence() -> None:
    judged = assess(np.ones((320, 320), np.float32))
    assert judged.confidence == pytest.approx((1 - 0.3 * 0.75) ** 2, abs=1e-6)
    assert "border" in judged.warnings[0]


def test_small_and_blurred_pictures_give_warnings() -> None:
    sharp = photo(disk(400, 400, 100, 1), (255, 255, 255), (0, 0, 0))
    assert picture_warnings(sharp) == ()
    assert [text[:20] for text in picture_warnings(sharp[50:150, 150:250])] == ["The picture is small"]
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 20), np.uint8)
    assert [text[:22] for text in picture_warnings(blurred)] == ["The picture is blurred"]
    assert sharpness(np.zeros((1, 1, 3), np.uint8)) == 0

"""Every synthetic file decodes to the correct pixels, and inspect() reports the same header as decode()."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation import pictures
from tests.segmentation.samples.rows import ROWS


@pytest.mark.parametrize("name", sorted(ROWS))
def test_made_file(name: str) -> None:
    made = ROWS[name]()

    decoded = pictures.decode(made.data)

    assert decoded.info.format == made.format
    assert decoded.rgb.dtype == np.uint8
    assert decoded.rgb.flags.c_contiguous
    assert decoded.rgb.shape == made.rgb.shape
    if made.alpha is None:
        assert decoded.alpha is None
    else:
        assert decoded.alpha is not None
        np.testing.assert_array_equal(decoded.alpha, made.alpha)
    seen = np.ones(made.rgb.shape[:2], bool) if made.alpha is None else made.alpha > 0
    difference = np.abs(decoded.rgb.astype(int) - made.rgb)[seen]
    assert difference.max() <= made.tolerance
    assert len(decoded.info.warnings) == made.warnings


@pytest.mark.parametrize("name", sorted(ROWS))
def test_header_of_made_file(name: str) -> None:
    made = ROWS[name]()

    info = pictures.inspect(made.data)

    assert (info.format, info.height, info.width) == (made.format, *made.rgb.shape[:2])


def test_the_number_of_table_rows() -> None:
    assert len(ROWS) >= 40

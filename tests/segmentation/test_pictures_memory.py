"""Fifty megapixels are decoded and encoded in a fraction of the memory limit (3 GB)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 8660, 5773
# Peak memory of the whole process: interpreter, libraries, file, pixels and result. Measured at 50
# megapixels: JPEG 375 MB, rotated JPEG 565, PNG with alpha 745, WebP 810, JPEG 2000 970.
MOST_MEGABYTES = 1_200

MAKE = """
import sys
import numpy as np
from PIL import Image
line = np.linspace(0, 255, {width}).astype(np.uint8)
plane = Image.fromarray(np.broadcast_to(line, ({height}, {width})).copy())
bands = [plane] * len({mode!r})
Image.merge({mode!r}, bands).save(sys.argv[1], {format!r}, **{options!r})
"""
USE = """
import sys
from segmentation import pictures
from segmentation.encode import encode
import numpy as np
picture = pictures.decode(sys.argv[1])
height, width = picture.rgb.shape[:2]
alpha = picture.alpha
if alpha is None:
    alpha = np.zeros((height, width), np.uint8)
    alpha[height // 4 :, width // 4 :] = 200
encoded = encode(picture.rgb, alpha, "png")
assert (encoded.width, encoded.height) == (width, height) == ({width}, {height})
# Not getrusage: its maximum also counts the process that started this one, before exec.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.parametrize(
    ("mode", "format", "options"),
    [
        ("RGB", "JPEG", {"quality": 90}),
        ("RGBA", "PNG", {"compress_level": 1}),
        ("RGB", "WEBP", {"quality": 50, "method": 0}),
        ("CMYK", "TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_fifty_megapixels(mode: str, format: str, options: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "large"
    make = MAKE.format(width=WIDTH, height=HEIGHT, mode=mode, format=format, options=options)
    subprocess.run([sys.executable, "-c", make, path], check=True, cwd=ROOT)

    done = subprocess.run(
        [sys.executable, "-c", USE.format(width=WIDTH, height=HEIGHT), path],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert int(done.stdout) <= MOST_MEGABYTES

"""Rows of the table: JPEG, its modes and codings."""

from __future__ import annotations

from tests.segmentation.samples import jpegs
from tests.segmentation.samples.registry import FULL, JPEG, Sample, add, cmyk_scene, cmyk_shown
from tests.segmentation.samples.scene import grey, rgb_of, saved, scene

# --- JPEG
for name, options in {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restart markers": {"restart_marker_rows": 1},
}.items():
    add(
        f"jpeg rgb {name}",
        lambda o=options: Sample(JPEG, saved(scene(), "JPEG", **FULL, **o), scene(), tolerance=3),
    )
add("jpeg rgb 4:2:0", lambda: Sample(JPEG, saved(scene(), "JPEG", quality=95), scene(), tolerance=10))
add(
    "jpeg rgb kept as rgb",
    lambda: Sample(JPEG, saved(scene(), "JPEG", keep_rgb=True, **FULL), scene(), tolerance=2),
)
add("jpeg grey", lambda: Sample(JPEG, saved(grey(), "JPEG", **FULL), rgb_of(grey()), tolerance=2))
add(
    "jpeg grey progressive",
    lambda: Sample(JPEG, saved(grey(), "JPEG", progressive=True, **FULL), rgb_of(grey()), tolerance=2),
)
add(
    "jpeg cmyk adobe inverted",
    lambda: Sample(JPEG, jpegs.cmyk(cmyk_scene()), cmyk_shown(cmyk_scene()), tolerance=3),
)
add(
    "jpeg cmyk adobe inverted progressive",
    lambda: Sample(JPEG, jpegs.cmyk(cmyk_scene(), progressive=True), cmyk_shown(cmyk_scene()), tolerance=3),
)
add("jpeg ycck", lambda: Sample(JPEG, jpegs.ycck(cmyk_scene()), cmyk_shown(cmyk_scene()), tolerance=4))
# Without Adobe's marker: browsers, Skia and Pillow treat it as inverted nevertheless.
add(
    "jpeg cmyk without adobe's mark",
    lambda: Sample(
        JPEG, jpegs.without_segments(jpegs.cmyk(cmyk_scene()), 0xEE), cmyk_shown(cmyk_scene()), tolerance=3
    ),
)
add("jpeg mpo", lambda: Sample(JPEG, jpegs.mpo(scene(), scene()[::-1]), scene(), tolerance=3))

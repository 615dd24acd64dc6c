"""Rows of the table: JPEG, its modes and codings."""

from __future__ import annotations

from tests.segmentation.made import jpegs
from tests.segmentation.made.registry import FULL, JPEG, Made, add, cmyk_scene, cmyk_shown
from tests.segmentation.made.scene import grey, rgb_of, saved, scene

# --- JPEG
for name, options in {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restart marks": {"restart_marker_rows": 1},
}.items():
    add(
        f"jpeg rgb {name}",
        lambda o=options: Made(JPEG, saved(scene(), "JPEG", **FULL, **o), scene(), tolerance=3),
    )
add("jpeg rgb 4:2:0", lambda: Made(JPEG, saved(scene(), "JPEG", quality=95), scene(), tolerance=10))
add(
    "jpeg rgb kept as rgb",
    lambda: Made(JPEG, saved(scene(), "JPEG", keep_rgb=True, **FULL), scene(), tolerance=2),
)
add("jpeg grey", lambda: Made(JPEG, saved(grey(), "JPEG", **FULL), rgb_of(grey()), tolerance=2))
add(
    "jpeg grey progressive",
    lambda: Made(JPEG, saved(grey(), "JPEG", progressive=True, **FULL), rgb_of(grey()), tolerance=2),
)
add(
    "jpeg cmyk adobe inverted",
    lambda: Made(JPEG, jpegs.cmyk(cmyk_scene()), cmyk_shown(cmyk_scene()), tolerance=3),
)
add(
    "jpeg cmyk adobe inverted progressive",
    lambda: Made(JPEG, jpegs.cmyk(cmyk_scene(), progressive=True), cmyk_shown(cmyk_scene()), tolerance=3),
)
add("jpeg ycck", lambda: Made(JPEG, jpegs.ycck(cmyk_scene()), cmyk_shown(cmyk_scene()), tolerance=4))
# Without Adobe's marker: browsers, Skia and Pillow treat it as inverted nevertheless.
add(
    "jpeg cmyk without adobe's mark",
    lambda: Made(
        JPEG, jpegs.without_segments(jpegs.cmyk(cmyk_scene()), 0xEE), cmyk_shown(cmyk_scene()), tolerance=3
    ),
)
add("jpeg mpo", lambda: Made(JPEG, jpegs.mpo(scene(), scene()[::-1]), scene(), tolerance=3))

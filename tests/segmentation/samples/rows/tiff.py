"""Rows of the table: TIFF, packings, depths, byte orders, layouts."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.segmentation.samples import profiles, tiffs
from tests.segmentation.samples.registry import (
    TIFF,
    Sample,
    add,
    cmyk_scene,
    cmyk_shown,
    levels,
    palette_image,
    rgba,
    row,
)
from tests.segmentation.samples.scene import HEIGHT, WIDTH, grey, ramp, rgb_of, saved, scene

# --- TIFF
for packing in ("none", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
    extra = {} if packing == "none" else {"compression": packing}
    add(f"tiff rgb {packing}", lambda e=extra: Sample(TIFF, saved(scene(), "TIFF", **e), scene()))
    add(f"tiff rgba {packing}", lambda e=extra: Sample(TIFF, saved(rgba(), "TIFF", **e), scene(), ramp()))
    add(f"tiff grey {packing}", lambda e=extra: Sample(TIFF, saved(grey(), "TIFF", **e), rgb_of(grey())))
    add(
        f"tiff cmyk {packing}",
        lambda e=extra: Sample(
            TIFF,
            saved(Image.fromarray(cmyk_scene(), "CMYK"), "TIFF", **e),
            cmyk_shown(cmyk_scene()),
            tolerance=1,
        ),
    )
    add(f"tiff grey 16 bit {packing}", lambda e=extra: _tiff_grey16(e))
    add(
        f"tiff palette {packing}",
        lambda e=extra: Sample(TIFF, saved(palette_image()[0], "TIFF", **e), palette_image()[1]),
    )
add(
    "tiff jpeg",
    lambda: Sample(TIFF, saved(scene(), "TIFF", compression="jpeg", quality=100), scene(), tolerance=3),
)
for order in ("<", ">"):
    for big in (False, True):
        suffix = f"{'little' if order == '<' else 'big'} endian{' bigtiff' if big else ''}"
        add(
            f"tiff rgb 16 bit {suffix}",
            lambda o=order, b=big: Sample(
                TIFF, tiffs.tiff(scene().astype(int) * 257, 16, 2, order=o, big=b), scene()
            ),
        )
        add(
            f"tiff rgba 16 bit {suffix}",
            lambda o=order, b=big: Sample(
                TIFF,
                tiffs.tiff(rgba().astype(int) * 257, 16, 2, order=o, big=b, tags={338: (3, [2])}),
                scene(),
                ramp(),
            ),
        )
        add(
            f"tiff grey 16 bit {suffix}",
            lambda o=order, b=big: Sample(
                TIFF, tiffs.tiff(grey().astype(int) * 257, 16, 1, order=o, big=b), rgb_of(grey())
            ),
        )
add(
    "tiff cmyk 16 bit",
    lambda: Sample(
        TIFF, tiffs.tiff(cmyk_scene().astype(int) * 257, 16, 5), cmyk_shown(cmyk_scene()), tolerance=1
    ),
)
add("tiff grey white is zero", lambda: Sample(TIFF, tiffs.tiff(255 - grey(), 8, 0), rgb_of(grey())))
add(
    "tiff grey 16 bit white is zero",
    lambda: Sample(TIFF, tiffs.tiff(65535 - grey().astype(int) * 257, 16, 0), rgb_of(grey())),
)
add(
    "tiff grey alpha",
    lambda: Sample(
        TIFF, tiffs.tiff(np.dstack([grey(), ramp()]), 8, 1, tags={338: (3, [2])}), rgb_of(grey()), ramp()
    ),
)


def _tiff_grey16(extra: dict[str, object]) -> Sample:
    samples = levels(16).astype(np.uint16)
    return Sample(TIFF, saved(samples, "TIFF", **extra), rgb_of((samples / 257).round().astype(np.uint8)))


@row("tiff rgba premultiplied")
def _tiff_premultiplied() -> Sample:
    # Alpha of at least 128, so that the division loses no more than a level.
    alpha = (128 + ramp() // 2).astype(np.uint8)
    stored = (scene() * (alpha[..., None] / 255.0)).round().astype(np.uint8)
    return Sample(
        TIFF, tiffs.tiff(np.dstack([stored, alpha]), 8, 2, tags={338: (3, [1])}), scene(), alpha, tolerance=2
    )


@row("tiff of several pages")
def _tiff_pages() -> Sample:
    pages = [Image.fromarray(one) for one in (scene(), scene()[::-1].copy())]
    return Sample(TIFF, saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), scene(), warnings=1)


@row("tiff planes apart")
def _tiff_planar() -> Sample:
    planes = np.moveaxis(scene(), 2, 0)
    size = WIDTH * HEIGHT
    tags = {284: (3, [2]), 273: (4, [8, 8 + size, 8 + 2 * size]), 279: (4, [size] * 3)}
    return Sample(TIFF, tiffs.tiff(scene(), 8, 2, tags=tags, data=planes.tobytes()), scene())


@row("tiff tiled")
def _tiff_tiled() -> Sample:
    padded = np.pad(scene(), ((0, 32 - HEIGHT), (0, 48 - WIDTH), (0, 0)))
    tiles = [padded[y : y + 16, x : x + 16].tobytes() for y in (0, 16) for x in (0, 16, 32)]
    size = 16 * 16 * 3
    tags: dict[int, tuple[int, list[int]]] = {
        322: (3, [16]), 323: (3, [16]), 324: (4, [8 + size * i for i in range(6)]), 325: (4, [size] * 6),
        273: (4, []), 278: (4, []), 279: (4, []),
    }  # fmt: skip
    return Sample(TIFF, tiffs.tiff(scene(), 8, 2, tags=tags, data=b"".join(tiles)), scene())


@row("tiff lab")
def _tiff_lab() -> Sample:
    lab = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    lab[..., 0] = ramp()
    luminance = np.where(ramp() / 2.55 > 8, ((ramp() / 2.55 + 16) / 116) ** 3, ramp() / 2.55 / 903.3)
    shown = profiles.encoded(luminance).round().astype(np.uint8)
    return Sample(TIFF, tiffs.tiff(lab, 8, 8), rgb_of(shown), tolerance=2)


@row("tiff 1 bit group 4")
def _tiff_group4() -> Sample:
    bits = grey() > 128
    shown = rgb_of(bits.astype(np.uint8) * np.uint8(255))
    return Sample(TIFF, saved(Image.fromarray(bits), "TIFF", compression="group4"), shown)


for packing in ("tiff_lzw", "tiff_adobe_deflate"):
    add(
        f"tiff rgb {packing} with differences",
        lambda p=packing: Sample(TIFF, saved(scene(), "TIFF", compression=p, tiffinfo={317: 2}), scene()),
    )


@row("tiff rgb 16 bit of any value")
def _tiff_rgb16() -> Sample:
    """Only the high bytes of 16-bit colour are kept: at most a level below the nearest."""
    samples = np.random.default_rng(4).integers(0, 65_536, (HEIGHT, WIDTH, 3))
    return Sample(TIFF, tiffs.tiff(samples, 16, 2), (samples / 257).round().astype(np.uint8), tolerance=1)

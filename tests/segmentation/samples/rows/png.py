"""Rows of the table: PNG, every depth and colour type of the specification, plain and interlaced; APNG."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.segmentation.samples import pngs
from tests.segmentation.samples.registry import PNG, Sample, add, levels, rgba, row
from tests.segmentation.samples.scene import grey, ramp, rgb_of, saved, scene

# --- PNG: every depth and colour type of the specification, plain and interlaced
for depth in (1, 2, 4, 8, 16):
    for interlace in (False, True):
        add(
            f"png grey {depth} bit{' interlaced' if interlace else ''}",
            lambda d=depth, i=interlace: _png_grey(d, i),
        )
for depth in (1, 2, 4, 8):
    for interlace in (False, True):
        add(
            f"png palette {depth} bit{' interlaced' if interlace else ''}",
            lambda d=depth, i=interlace: png_palette(d, i),
        )
for depth in (8, 16):
    for interlace in (False, True):
        suffix = f"{depth} bit{' interlaced' if interlace else ''}"
        scale = 257 if depth == 16 else 1
        add(
            f"png rgb {suffix}",
            lambda d=depth, s=scale, i=interlace: Sample(
                PNG, pngs.png(scene().astype(int) * s, d, 2, interlace=i), scene()
            ),
        )
        add(
            f"png rgba {suffix}",
            lambda d=depth, s=scale, i=interlace: Sample(
                PNG, pngs.png(rgba().astype(int) * s, d, 6, interlace=i), scene(), ramp()
            ),
        )
        add(
            f"png grey alpha {suffix}",
            lambda d=depth, s=scale, i=interlace: Sample(
                PNG,
                pngs.png(np.dstack([grey(), ramp()]).astype(int) * s, d, 4, interlace=i),
                rgb_of(grey()),
                ramp(),
            ),
        )
for depth in (1, 2, 4, 8, 16):
    add(f"png grey {depth} bit with a colour key", lambda d=depth: _png_grey_key(d))
for depth in (8, 16):
    add(f"png rgb {depth} bit with a colour key", lambda d=depth: _png_rgb_key(d))


def _png_grey(depth: int, interlace: bool) -> Sample:
    samples = levels(depth)
    shown = (samples * 255 / (2**depth - 1)).round().astype(np.uint8)
    return Sample(PNG, pngs.png(samples, depth, 0, interlace=interlace), rgb_of(shown))


def _png_grey_key(depth: int) -> Sample:
    samples = levels(depth)
    key = int(samples[3, 5])
    shown = (samples * 255 / (2**depth - 1)).round().astype(np.uint8)
    alpha = np.where(samples == key, 0, 255).astype(np.uint8)
    return Sample(
        PNG,
        pngs.png(samples, depth, 0, before=pngs.chunk(b"tRNS", key.to_bytes(2))),
        rgb_of(shown),
        alpha,
    )


def _png_rgb_key(depth: int) -> Sample:
    scale = 257 if depth == 16 else 1
    samples = scene().astype(int) * scale
    key = b"".join(int(value).to_bytes(2) for value in samples[3, 5])
    alpha = np.where((samples == samples[3, 5]).all(axis=2), 0, 255).astype(np.uint8)
    return Sample(PNG, pngs.png(samples, depth, 2, before=pngs.chunk(b"tRNS", key)), scene(), alpha)


def png_palette(depth: int, interlace: bool) -> Sample:
    count = 2**depth
    samples = levels(depth)
    palette = np.stack([(np.arange(count) * k) % 256 for k in (37, 91, 153)], axis=1).astype(np.uint8)
    alphas = np.full(count, 255, np.uint8)
    alphas[: count // 2] = np.arange(count // 2) * 3 % 256
    chunks = pngs.chunk(b"PLTE", palette.tobytes()) + pngs.chunk(b"tRNS", alphas[: count // 2].tobytes())
    return Sample(
        PNG,
        pngs.png(samples, depth, 3, interlace=interlace, before=chunks),
        palette[samples],
        alphas[samples],
    )


@row("png palette opaque")
def _png_palette_opaque() -> Sample:
    samples = levels(8)
    palette = np.stack([(np.arange(256) * k) % 256 for k in (37, 91, 153)], axis=1).astype(np.uint8)
    return Sample(
        PNG, pngs.png(samples, 8, 3, before=pngs.chunk(b"PLTE", palette.tobytes())), palette[samples]
    )


@row("png animated")
def _apng() -> Sample:
    frames = [Image.fromarray(one) for one in (scene(), scene()[::-1].copy(), scene()[:, ::-1].copy())]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50)
    return Sample(PNG, data, scene(), warnings=1)

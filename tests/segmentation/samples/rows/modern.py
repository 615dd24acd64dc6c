"""Rows of the table: JPEG 2000, AVIF and HEIC."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.segmentation.samples import heifs
from tests.segmentation.samples.registry import AVIF, EVEN, HEIC, JP2, Sample, add, levels, rgba, row
from tests.segmentation.samples.scene import HEIGHT, WIDTH, grey, ramp, rgb_of, saved, scene

# --- JPEG 2000
add("jp2 rgb", lambda: Sample(JP2, saved(scene(), "JPEG2000"), scene()))
add("jp2 rgba", lambda: Sample(JP2, saved(rgba(), "JPEG2000"), scene(), ramp()))
add("jp2 grey", lambda: Sample(JP2, saved(grey(), "JPEG2000"), rgb_of(grey())))
add(
    "jp2 grey alpha",
    lambda: Sample(
        JP2, saved(Image.fromarray(np.dstack([grey(), ramp()]), "LA"), "JPEG2000"), rgb_of(grey()), ramp()
    ),
)
add("jp2 code stream alone", lambda: Sample(JP2, saved(scene(), "JPEG2000", no_jp2=True), scene()))
add("jp2 lossy", lambda: Sample(JP2, saved(scene(), "JPEG2000", irreversible=True), scene(), tolerance=2))
add("jp2 tiled", lambda: Sample(JP2, saved(scene(), "JPEG2000", tile_size=(16, 16)), scene()))


@row("jp2 grey 16 bit")
def _jp2_16() -> Sample:
    samples = levels(16).astype(np.uint16)
    return Sample(JP2, saved(samples, "JPEG2000"), rgb_of((samples / 257).round().astype(np.uint8)))


# --- AVIF and HEIC
add("avif 4:4:4", lambda: Sample(AVIF, saved(scene(), "AVIF", **EVEN), scene(), tolerance=3))
add("avif 4:2:0", lambda: Sample(AVIF, saved(scene(), "AVIF", quality=95), scene(), tolerance=8))
add(
    "avif alpha",
    lambda: Sample(AVIF, saved(rgba(), "AVIF", **EVEN), scene(), ramp(), tolerance=3),
)
add("avif grey", lambda: Sample(AVIF, saved(grey(), "AVIF", quality=100), rgb_of(grey()), tolerance=1))


@row("avif animated")
def _avif_animated() -> Sample:
    frames = [Image.fromarray(one) for one in (scene(), scene()[::-1].copy())]
    data = saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], **EVEN)
    return Sample(AVIF, data, scene(), tolerance=3, warnings=1)


add("heic", lambda: Sample(HEIC, heifs.heic([heifs.picture(scene())]), scene()))
add(
    "heic under the brand mif1",
    lambda: Sample(HEIC, heifs.heic([heifs.picture(scene())], brand=b"mif1"), scene()),
)


@row("heic 10 bit")
def _heic_10() -> Sample:
    samples = (scene().astype(int) * 1023 / 255).round().astype(int)
    item = heifs.coded(samples[..., [1, 2, 0]], depth=10)
    item.properties.append(heifs.PLAIN_RGB)
    return Sample(HEIC, heifs.heic([item]), scene(), tolerance=1)


@row("heic grey")
def _heic_grey() -> Sample:
    item = heifs.coded(grey()[..., None])
    item.properties.append(heifs.box(b"colr", b"nclx", bytes([0, 1, 0, 13, 0, 6, 0x80])))
    return Sample(HEIC, heifs.heic([item]), rgb_of(grey()))


@row("heic alpha")
def _heic_alpha() -> Sample:
    alpha = heifs.coded(ramp()[..., None])
    alpha.properties.append(heifs.full(b"auxC", 0, 0, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"))
    alpha.references.append((b"auxl", [1]))
    return Sample(HEIC, heifs.heic([heifs.picture(scene()), alpha]), scene(), ramp())


@row("heic grid")
def _heic_grid() -> Sample:
    whole = scene(128, 64)
    tiles = [heifs.picture(whole[:, :64]), heifs.picture(whole[:, 64:])]
    grid = heifs.Item(
        b"grid", bytes([0, 0, 0, 1, 0, 125, 0, 63]), [heifs.size_box(125, 63)], [(b"dimg", [1, 2])]
    )
    return Sample(HEIC, heifs.heic([*tiles, grid], primary=3), whole[:63, :125])


@row("heic cropped")
def _heic_cropped() -> Sample:
    item = heifs.picture(scene())
    # 30 × 20, its centre moved so that it starts at 4, 2.
    numbers = [30, 1, 20, 1, 2 * 4 + 30 - WIDTH, 2, 2 * 2 + 20 - HEIGHT, 2]
    item.properties.append(heifs.box(b"clap", b"".join(int(n).to_bytes(4, signed=True) for n in numbers)))
    return Sample(HEIC, heifs.heic([item]), scene()[2:22, 4:34])

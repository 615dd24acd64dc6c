"""Rows of the table: WebP, GIF and BMP."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from tests.segmentation.samples.registry import BMP, GIF, WEBP, Sample, add, palette_image, rgba, row
from tests.segmentation.samples.scene import HEIGHT, WIDTH, Pixels, grey, ramp, rgb_of, saved, scene

# --- WebP
add("webp lossless", lambda: Sample(WEBP, saved(scene(), "WEBP", lossless=True), scene()))
add(
    "webp lossless alpha",
    lambda: Sample(WEBP, saved(rgba(), "WEBP", lossless=True, exact=True), scene(), ramp()),
)
add("webp lossy", lambda: Sample(WEBP, saved(scene(), "WEBP", quality=100), scene(), tolerance=8))
add(
    "webp lossy alpha",
    # Alpha is exact, the colours are subsampled; those of nearly transparent pixels are not compared.
    lambda: Sample(WEBP, saved(rgba(), "WEBP", quality=100, exact=True), scene(), ramp(), tolerance=8),
)


@row("webp animated")
def _webp_animated() -> Sample:
    frames = [Image.fromarray(one) for one in (scene(), scene()[::-1].copy())]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    return Sample(WEBP, data, scene(), warnings=1)


# --- GIF
@row("gif")
def _gif() -> Sample:
    image, shown = palette_image()
    return Sample(GIF, saved(image, "GIF"), shown)


@row("gif interlaced")
def _gif_interlaced() -> Sample:
    image, shown = palette_image()
    return Sample(GIF, saved(image, "GIF", interlace=1), shown)


@row("gif transparent")
def _gif_transparent() -> Sample:
    image, shown = palette_image()
    indices = np.asarray(image)
    hole = int(indices[4, 6])
    alpha = np.where(indices == hole, 0, 255).astype(np.uint8)
    return Sample(GIF, saved(image, "GIF", transparency=hole, optimize=False), shown, alpha)


@row("gif animated")
def _gif_animated() -> Sample:
    image, shown = palette_image()
    data = saved(image, "GIF", save_all=True, append_images=[Image.new("P", image.size, 3)])
    return Sample(GIF, data, shown, warnings=1)


@row("gif grey")
def _gif_grey() -> Sample:
    return Sample(GIF, saved(grey(), "GIF"), rgb_of(grey()))


@row("gif with a frame smaller than its screen")
def _gif_small_frame() -> Sample:
    image, shown = palette_image()
    data = bytearray(saved(image, "GIF"))
    data[6:10] = (WIDTH + 5).to_bytes(2, "little") + (HEIGHT + 4).to_bytes(2, "little")
    frame = data.index(b"\x2c\0\0\0\0")
    data[frame + 1 : frame + 5] = b"\x02\0\x03\0"
    canvas = np.zeros((HEIGHT + 4, WIDTH + 5, 3), np.uint8)
    alpha = np.zeros((HEIGHT + 4, WIDTH + 5), np.uint8)
    canvas[3 : 3 + HEIGHT, 2 : 2 + WIDTH] = shown
    alpha[3 : 3 + HEIGHT, 2 : 2 + WIDTH] = 255
    return Sample(GIF, bytes(data), canvas, alpha)


# --- BMP
add("bmp rgb 24 bit", lambda: Sample(BMP, saved(scene(), "BMP"), scene()))
add("bmp grey 8 bit", lambda: Sample(BMP, saved(grey(), "BMP"), rgb_of(grey())))
add("bmp rgba 32 bit", lambda: Sample(BMP, _bmp_v4(rgba()), scene(), ramp()))


def _bmp_v4(pixels: Pixels) -> bytes:
    """32 bits a pixel with masks, including alpha's (BITMAPV4HEADER)."""
    height, width = pixels.shape[:2]
    data = pixels[::-1, :, [2, 1, 0, 3]].tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, len(data), 0, 0, 0, 0)
    head += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + b"\0" * 48
    return b"BM" + struct.pack("<IHHI", 122 + len(data), 0, 0, 122) + head + data


@row("bmp palette 8 bit")
def _bmp_palette() -> Sample:
    image, shown = palette_image()
    return Sample(BMP, saved(image, "BMP"), shown)


@row("bmp 1 bit")
def _bmp_1() -> Sample:
    bits = grey() > 128
    return Sample(BMP, saved(Image.fromarray(bits), "BMP"), rgb_of(bits.astype(np.uint8) * np.uint8(255)))


@row("bmp top down")
def _bmp_top_down() -> Sample:
    data = bytearray(saved(scene()[::-1], "BMP"))
    data[22:26] = (2**32 - HEIGHT).to_bytes(4, "little")
    return Sample(BMP, bytes(data), scene())


@row("bmp rgba 32 bit, alpha unused")
def _bmp_unused_alpha() -> Sample:
    return Sample(BMP, _bmp_v4(np.dstack([scene(), np.zeros_like(grey())])), scene())


@row("bmp run-length 8 bit")
def _bmp_runs() -> Sample:
    image, _ = palette_image()
    indices = np.repeat(np.asarray(image)[:, ::4], 4, axis=1)[:, :36]
    palette = np.array(image.getpalette()[: 3 * 64]).reshape(64, 3)
    runs = b"".join(
        b"".join(bytes([4, line[x]]) for x in range(0, 36, 4)) + b"\0\0" for line in indices[::-1].tolist()
    )
    table = np.zeros((256, 4), np.uint8)
    table[:64, :3] = palette[:, ::-1]
    head = (40).to_bytes(4, "little") + (36).to_bytes(4, "little") + HEIGHT.to_bytes(4, "little")
    head += (
        b"\x01\0\x08\0" + (1).to_bytes(4, "little") + len(runs + b"\0\1").to_bytes(4, "little") + b"\0" * 16
    )
    start = 14 + 40 + 1024
    size = start + len(runs) + 2
    top = b"BM" + size.to_bytes(4, "little") + b"\0" * 4 + start.to_bytes(4, "little")
    return Sample(BMP, top + head + table.tobytes() + runs + b"\0\1", palette[indices].astype(np.uint8))


def _bmp_core(bits: int, data: bytes, palette: bytes = b"", masks: bytes = b"", os2: bool = False) -> bytes:
    """Returns a bitmap from bottom-up rows that are already padded."""
    if os2:
        head = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        compression = 3 if masks else 0
        head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, compression, len(data), 0, 0, 0, 0)
    start = 14 + len(head) + len(masks) + len(palette)
    top = b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start)
    return top + head + masks + palette + data


def _rows(samples: np.ndarray) -> bytes:
    """Returns rows of bytes from the bottom, each padded to a multiple of four."""
    height = samples.shape[0]
    flat = samples[::-1].reshape(height, -1).view(np.uint8)
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4))).tobytes()


@row("bmp rgb 16 bit 5-6-5")
def _bmp_565() -> Sample:
    red, green, blue = (scene()[..., i].astype(int) for i in range(3))
    packed = (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3
    shown = np.stack([(red >> 3) * 255 / 31, (green >> 2) * 255 / 63, (blue >> 3) * 255 / 31], axis=-1)
    data = _bmp_core(16, _rows(packed.astype("<u2")), masks=struct.pack("<3I", 0xF800, 0x7E0, 0x1F))
    return Sample(BMP, data, shown.round().astype(np.uint8), tolerance=1)


@row("bmp rgb 16 bit 5-5-5")
def _bmp_555() -> Sample:
    red, green, blue = (scene()[..., i].astype(int) >> 3 for i in range(3))
    shown = np.stack([red, green, blue], axis=-1) * 255 / 31
    data = _bmp_core(16, _rows((red << 10 | green << 5 | blue).astype("<u2")))
    return Sample(BMP, data, shown.round().astype(np.uint8), tolerance=1)


@row("bmp palette 4 bit")
def _bmp_4() -> Sample:
    indices = (grey() >> 4).astype(np.uint8)
    palette = np.stack([(np.arange(16) * k) % 256 for k in (37, 91, 153)], axis=1).astype(np.uint8)
    even = np.pad(indices, ((0, 0), (0, WIDTH % 2)))
    table = np.pad(palette[:, ::-1], ((0, 0), (0, 1))).tobytes()
    return Sample(BMP, _bmp_core(4, _rows(even[:, ::2] << 4 | even[:, 1::2]), table), palette[indices])


@row("bmp of os/2")
def _bmp_os2() -> Sample:
    return Sample(BMP, _bmp_core(24, _rows(np.ascontiguousarray(scene()[..., ::-1])), os2=True), scene())

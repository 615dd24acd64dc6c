"""HEVC pictures (ITU-T H.265) with every block stored as plain samples (PCM): lossless, written by hand.

No free HEVC encoder is available as a wheel, so this is the smallest one: blocks of 16 × 16, one slice each,
so that the arithmetic coder restarts for every block and codes three known bins: "not divided" (a context in
its first state), "plain samples follow" and "the slice ends here".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.integer]

BLOCK = 16
VPS, SPS, PPS, IDR = 32, 33, 34, 19


class Writer:
    """Writes bits, most significant first."""

    def __init__(self) -> None:
        self.bits: list[int] = []

    def put(self, value: int, count: int = 1) -> Writer:
        self.bits += [value >> shift & 1 for shift in range(count - 1, -1, -1)]
        return self

    def golomb(self, *values: int) -> Writer:
        for value in values:
            size = (value + 1).bit_length()
            self.put(value + 1, 2 * size - 1)
        return self

    def align(self, first: int) -> Writer:
        """Pads to a whole byte: with zeros, after a one if `first` is 1."""
        if first:
            self.put(1)
        return self.put(0, -len(self.bits) % 8)

    def data(self) -> bytes:
        return np.packbits(np.array(self.bits, np.uint8)).tobytes()


class Coder:
    """The arithmetic encoder (9.3) for a bin in the first state of its context and for terminating bins."""

    def __init__(self, writer: Writer) -> None:
        self.writer, self.low, self.range, self.waiting, self.first = writer, 0, 510, 0, True

    def likely(self) -> None:
        """Codes the more probable value of a context in state 0."""
        self.range -= (128, 176, 208, 240)[self.range >> 6 & 3]
        self._renormalise()

    def finish(self) -> None:
        """Codes a terminating bin of 1, and flushes; its last bit is the stop bit at the end of a slice."""
        self.range -= 2
        self.low += self.range
        self.range = 2
        self._renormalise()
        self._put(self.low >> 9 & 1)
        self.writer.put(self.low >> 7 & 3 | 1, 2)

    def _renormalise(self) -> None:
        while self.range < 256:
            if self.low < 256:
                self._put(0)
            elif self.low >= 512:
                self.low -= 512
                self._put(1)
            else:
                self.low -= 256
                self.waiting += 1
            self.range <<= 1
            self.low <<= 1

    def _put(self, bit: int) -> None:
        if self.first:
            self.first = False
        else:
            self.writer.put(bit)
        for _ in range(self.waiting):
            self.writer.put(1 - bit)
        self.waiting = 0


def unit(kind: int, payload: bytes) -> bytes:
    """Returns a NAL unit: header, and payload with a 3 inserted wherever two zeros would precede a small
    number.
    """
    out, zeros = bytearray(), 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes([kind << 1, 1]) + bytes(out)


def _profile(writer: Writer) -> Writer:
    writer.put(4, 8).put(1 << 27, 32).put(0b1001, 4).put(0, 43).put(0)
    return writer.put(93, 8)


def parameter_sets(width: int, height: int, channels: int, depth: int = 8) -> list[tuple[int, bytes]]:
    """Returns VPS, SPS and PPS for a picture of 1 (4:0:0) or 3 (4:4:4) channels of `depth` bits."""
    wide, high = -(-width // BLOCK) * BLOCK, -(-height // BLOCK) * BLOCK
    vps = Writer().put(0, 4).put(3, 2).put(0, 6).put(0, 3).put(1).put(0xFFFF, 16)
    _profile(vps).put(1).golomb(0, 0, 0).put(0, 6).golomb(0).put(0).put(0)
    sps = _profile(Writer().put(0, 4).put(0, 3).put(1)).golomb(0)
    if channels == 3:
        sps.golomb(3).put(0)
    else:
        sps.golomb(0)
    sps.golomb(wide, high).put(1).golomb(0, wide - width, 0, high - height)
    sps.golomb(depth - 8, depth - 8, 0).put(1).golomb(0, 0, 0).golomb(1, 0, 0, 2, 0, 0).put(0, 3)
    sps.put(1).put(depth - 1, 4).put(depth - 1, 4).golomb(1, 0).put(1).golomb(0).put(0, 5)
    pps = Writer().golomb(0, 0).put(0, 7).golomb(0, 0, 0).put(0, 3).golomb(0, 0).put(0, 7)
    pps.put(1).put(0).put(1).put(0, 2).golomb(0).put(0, 2)
    return [(VPS, vps.align(1).data()), (SPS, sps.align(1).data()), (PPS, pps.align(1).data())]


def slices(planes: Samples, depth: int = 8) -> list[bytes]:
    """Returns a slice for each block of H×W×C samples of `depth` bits; C is 1 or 3."""
    height, width = planes.shape[:2]
    padded = np.pad(planes, ((0, -height % BLOCK), (0, -width % BLOCK), (0, 0)), mode="edge")
    across, down = padded.shape[1] // BLOCK, padded.shape[0] // BLOCK
    found = []
    for number in range(across * down):
        top, left = number // across * BLOCK, number % across * BLOCK
        writer = Writer().put(int(number == 0)).put(0).golomb(0)
        if number:
            writer.put(number, (across * down - 1).bit_length())
        writer.golomb(2).golomb(0).align(1)
        coder = Coder(writer)
        coder.likely()
        coder.finish()
        writer.align(0)
        block = padded[top : top + BLOCK, left : left + BLOCK]
        for sample in np.moveaxis(block, 2, 0).ravel().tolist():
            writer.put(sample, depth)
        Coder(writer).finish()
        found.append(unit(IDR, writer.align(0).data()))
    return found

"""Builds U²-Net as an OpenVINO graph, directly from the architecture and the weights.

Tracing the PyTorch network would load PyTorch into every worker, take ten seconds, and give the operations
names that change from version to version. Here each operation has the name that the recorded ranges use.

int8: activations are unsigned (everything after a ReLU is ≥ 0), weights are signed with a range per output
channel. Every block is computed in units of its own range: the range divides its weights and multiplies those
of its consumers, which changes nothing in exact arithmetic, because ReLU preserves scale. So activations fill
0..1 everywhere, and both inputs of a concatenation (values up to 120 beside values up to 3) have 256 steps
each. Operations other than convolutions stay in integers, too: anything that OpenVINO computes in float32
takes several times as long, and is rounded again afterwards anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from segmentation.shapes import INPUT_SIZE, Architecture, Stage

SIZE = INPUT_SIZE
# The blocks that stay in floating point, chosen on photos of neither the benchmark nor the calibration: these
# two read a block whose highest channels are ten times as high as its others, which would vanish in its
# steps.
_EXACT = frozenset(("decoders.3.up.4", "decoders.4.up.4"))
# Margin above the mean of the photos' maxima: clipping costs some photos more than finer steps gain.
_HEADROOM = 1.25
# White in blue, the channel with the least deviation: the maximum of a normalised picture.
_MAX_INPUT = np.float32((1 - 0.406) / 0.225)

# 2 · 255 · 63 fits into signed 16 bits, 2 · 255 · 127 does not.
HALF_RANGE = 63

Node = Any  # openvino has no types that mypy can follow
Floats = NDArray[np.float32]
Ranges = Mapping[str, float]


@dataclass(frozen=True)
class _Signal:
    """An activation; units: for each channel, the value of 1 in the node's scale, in units of the trained
    network.
    """

    node: Node
    units: Floats


class _Builder:
    """Adds operations while walking the architecture; `points` are the activations that can be quantised."""

    def __init__(
        self, weights: Mapping[str, Floats], shape: Architecture, ranges: Ranges | None, largest: int = 127
    ) -> None:
        self.weights, self.shape, self.ranges, self.largest = weights, shape, ranges, largest
        self.points: dict[str, Node] = {}
        self.exact = _EXACT

    def range(self, point: str) -> float:
        """Returns the upper end of a point's quantisation range; 1 in a float network, which uses the trained
        units.
        """
        return max(_HEADROOM * self.ranges[point], 1e-6) if self.ranges is not None else 1.0

    def kernel(self, weight: Floats, exact: bool) -> Node:
        """Returns a constant of output × input × height × width; quantised unless it is exact."""
        weight = np.ascontiguousarray(weight, dtype=np.float32)
        if self.ranges is None or exact:
            return ops.constant(weight)
        step = np.abs(weight).max(axis=(1, 2, 3), keepdims=True).clip(min=1e-8) / self.largest
        # Stored as bytes: loading, storing and compiling take a quarter of float32's time.
        steps = ops.convert(ops.constant(np.rint(weight / step).astype(np.int8)), "f32")
        return ops.multiply(steps, ops.constant(step))

    def quantised(self, x: Node, high: float = 1.0) -> Node:
        """Quantises x to 256 steps of 0..high; returns x itself in a float network."""
        if self.ranges is None:
            return x
        zero, top = np.float32(0), np.float32(high)
        return ops.fake_quantize(x, zero, top, zero, top, levels=256)

    def block(self, name: str, x: _Signal, unit: float, dilation: int = 1) -> _Signal:
        """Convolution, bias and ReLU; the result is in `unit`s."""
        weight = self.weights[f"{name}.conv.weight"] * x.units.reshape(1, -1, 1, 1) / unit
        around, steps = [dilation * (weight.shape[2] // 2)] * 2, [dilation] * 2
        kernel = self.kernel(weight, name in self.exact)
        y = ops.convolution(x.node, kernel, [1, 1], around, around, steps, name=f"{name}.conv")
        bias = self.weights[f"{name}.conv.bias"].reshape(1, -1, 1, 1) / unit
        y = ops.relu(ops.add(y, ops.constant(bias.astype(np.float32))))
        self.points[name] = y
        return _Signal(y, np.full(len(weight), unit, np.float32))

    def enlarged(self, x: Node, like: Node, exact: bool = False) -> Node:
        """Enlarges x (not quantised yet) bilinearly to the size of `like`, and quantises it unless
        `exact`."""
        size = _sides(like)
        if _sides(x) == size:
            return x if exact else self.quantised(x)
        if self.ranges is None or exact:
            return _bilinear(x, size)
        # Bytes on both sides: by default OpenVINO would enlarge in float32 and quantise afterwards.
        zero, one, top = (np.float32(value) for value in (0, 1, 255))
        steps = ops.convert(ops.fake_quantize(x, zero, one, zero, top, levels=256), "u8")
        back = ops.convert(_bilinear(steps, size), "f32")
        return ops.multiply(back, ops.constant(np.full((1, 1, 1, 1), 1 / 255, np.float32)))

    def stage(self, name: str, stage: Stage, x: _Signal) -> _Signal:
        """A residual U-block. Its result is not quantised: each consumer quantises it in its own way."""
        steps = stage.height - 1
        dilations = [2**step if stage.dilated else 1 for step in range(steps)]
        # Both summands need the same unit: the first and last block use that of the sum.
        whole = self.range(name)
        h = self.block(f"{name}.enter", x, whole)
        entered = self.quantised(h.node, self.range(f"{name}.enter") / whole)
        h = _Signal(entered, h.units)
        skips: list[_Signal] = []
        for step, dilation in enumerate(dilations):
            inside = h if step == 0 or stage.dilated else _Signal(_halve(h.node), h.units)
            here = f"{name}.down.{step}"
            h = self.block(here, inside, self.range(here), dilation)
            h = _Signal(self.quantised(h.node), h.units)
            skips.append(h)
        here = f"{name}.bottom"
        h = self.block(here, h, self.range(here), 2**steps if stage.dilated else 2)
        for up, (skip, dilation) in enumerate(zip(reversed(skips), reversed(dilations), strict=True)):
            here = f"{name}.up.{up}"
            big = _Signal(self.enlarged(h.node, skip.node, here in self.exact), h.units)
            h = self.block(
                here, _concatenated(big, skip), whole if up == steps - 1 else self.range(here), dilation
            )
        out = ops.add(self.quantised(h.node, self.range(here) / whole), entered)
        self.points[name] = out
        return _Signal(out, h.units)

    def side(self, name: str, x: _Signal, share: float) -> Node:
        """A 3×3 convolution down to one channel, times `share`, as nine 1×1 convolutions whose results are
        shifted and summed.

        The same sums in another order. Kernels for few output channels waste fifteen of sixteen SIMD lanes;
        this way nine of them are used in the expensive part.
        """
        weight = self.weights[f"{name}.weight"][0] * x.units.reshape(-1, 1, 1) * share
        taps = self.kernel(weight.reshape(len(weight), 9).T[:, :, None, None], exact=False)
        spread = ops.convolution(self.quantised(x.node), taps, [1, 1], [0, 0], [0, 0], [1, 1])
        gather = ops.constant(np.eye(9, dtype=np.float32).reshape(1, 9, 3, 3))
        y = ops.convolution(spread, gather, [1, 1], [1, 1], [1, 1], [1, 1], name=name)
        bias = self.weights[f"{name}.bias"].reshape(1, 1, 1, 1) * share
        return ops.add(y, ops.constant(bias.astype(np.float32)))

    def fused(self, outputs: list[_Signal]) -> Node:
        """The raw map: the weighted sum of the enlarged side outputs, finest first.

        Enlarging one channel takes two products with a constant matrix. The last convolution's weights are
        merged into the sides, because enlarging is linear.
        """
        total: Node = ops.constant(self.weights["fuse.bias"].reshape(1, 1, 1, 1))
        for index, (out, share) in enumerate(
            zip(outputs, self.weights["fuse.weight"].reshape(-1), strict=True)
        ):
            y = self.side(f"sides.{index}", out, float(share))
            if _sides(y) != [SIZE, SIZE]:
                way = resize_matrix(_sides(y)[0])
                across = ops.constant(np.ascontiguousarray(way.T))
                y = ops.matmul(ops.matmul(ops.constant(way), y, False, False), across, False, False)
            total = ops.add(total, y)
        return ops.sigmoid(total)

    def network(self) -> openvino.Model:
        """The whole graph: 1×3×SIZE×SIZE in, 1×1×SIZE×SIZE out."""
        picture = ops.parameter([1, 3, SIZE, SIZE], np.float32, name="picture")
        h = _Signal(picture, np.ones(3, np.float32))
        if self.ranges is not None:
            low = -_MAX_INPUT * np.float32(128 / 127)
            steps = ops.fake_quantize(picture, low, _MAX_INPUT, low, _MAX_INPUT, levels=256)
            h = _Signal(steps, h.units)
        skips, outputs = list[_Signal](), list[_Signal]()
        for step, stage in enumerate(self.shape.encoders):
            h = self.stage(f"encoders.{step}", stage, _Signal(_halve(h.node), h.units) if step else h)
            if step < len(self.shape.encoders) - 1:
                h = _Signal(self.quantised(h.node), h.units)
                skips.append(h)
        outputs.append(h)
        for step, stage in enumerate(self.shape.decoders):
            skip = skips.pop()
            big = _Signal(self.enlarged(h.node, skip.node), h.units)
            h = self.stage(f"decoders.{step}", stage, _concatenated(big, skip))
            outputs.append(h)
        return openvino.Model([ops.result(self.fused(outputs[::-1]))], [picture], self.shape.name)


def _concatenated(first: _Signal, second: _Signal) -> _Signal:
    node = ops.concat([first.node, second.node], 1)
    return _Signal(node, np.concatenate([first.units, second.units]))


def _halve(x: Node) -> Node:
    return ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], rounding_type="ceil").output(0)


def _bilinear(x: Node, size: list[int]) -> Node:
    return ops.interpolate(
        x,
        ops.constant(np.array(size, dtype=np.int64)),
        "linear_onnx",
        "sizes",
        coordinate_transformation_mode="half_pixel",
        axes=ops.constant(np.array([2, 3], dtype=np.int64)),
    )


def resize_matrix(length: int) -> Floats:
    """Returns a SIZE×length matrix: bilinear weights at half-pixel centres, from `length` samples to SIZE."""
    centres = (np.arange(SIZE) + 0.5) * length / SIZE - 0.5
    low = np.floor(centres)
    rows, share = np.arange(SIZE), centres - low
    way = np.zeros((SIZE, length), np.float32)
    np.add.at(way, (rows, np.clip(low, 0, length - 1).astype(int)), 1 - share)
    np.add.at(way, (rows, np.clip(low + 1, 0, length - 1).astype(int)), share)
    return way


def _sides(x: Node) -> list[int]:
    output = x.output(0) if callable(getattr(x, "output", None)) else x
    return list(output.shape)[2:]


def build(
    weights: Mapping[str, NDArray[np.float32]],
    shape: Architecture,
    ranges: Ranges | None = None,
    largest: int = 127,
) -> openvino.Model:
    """Builds the network: 1×3×320×320 float32 normalised picture -> 1×1×320×320 raw map in 0..1.

    weights: a folded state of u2net.U2Net, by its names. ranges: the maximum of each point; with them the
    network is int8, without them float32. largest: the largest step of an int8 weight; HALF_RANGE when the
    processor adds pairs of products in 16 bits (see `processor.has_exact_int8`).
    """
    return _Builder(weights, shape, ranges, largest).network()


def range_network(
    weights: Mapping[str, NDArray[np.float32]], shape: Architecture
) -> tuple[openvino.Model, list[str]]:
    """Builds a float network whose outputs are the maxima of the points; also returns the points' names in
    that order.
    """
    builder = _Builder(weights, shape, None)
    network = builder.network()
    everything: Callable[[Node], Node] = lambda x: ops.reduce_max(x, np.array([0, 1, 2, 3]))  # noqa: E731
    results = [ops.result(everything(point)) for point in builder.points.values()]
    return openvino.Model(results, network.get_parameters(), "measurer"), list(builder.points)

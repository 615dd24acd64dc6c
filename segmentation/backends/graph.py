"""U²-Net as an OpenVINO graph, written straight from the architecture and the weights.

Tracing the PyTorch network would do, too, but would load PyTorch into every worker, take ten seconds, and
give names to the operations that change from version to version. Here each has the name that the recorded
ranges use.

int8: activations are unsigned with a range for each tensor (everything behind a ReLU is ≥ 0), weights
signed with a range for each output channel. What is joined by a concatenation shares one range, so that it
stays int8. Left in float32 are the first convolution (three channels: no work), the side outputs, and the
last convolutions of the two finest decoders, which make nearly all of the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from segmentation.shapes import INPUT_SIZE, Architecture, Stage

SIZE = INPUT_SIZE
# The second last convolutions of the two finest decoders are fed (decoders.4) or give (decoders.3) values
# twenty times as high as their neighbours: in 256 steps over that range the neighbours would drown.
_EXACT = frozenset(("encoders.0.enter", "decoders.3.up.3", "decoders.3.up.4", "decoders.4.up.4"))

Node = Any  # openvino ships no types that mypy could follow
Ranges = Mapping[str, float]


class _Builder:
    """Adds operations while it walks the architecture; `points` are the activations that can be quantised."""

    def __init__(
        self, weights: Mapping[str, NDArray[np.float32]], shape: Architecture, ranges: Ranges | None
    ) -> None:
        self.weights, self.shape, self.ranges = weights, shape, ranges
        self.points: dict[str, Node] = {}
        self.exact = _EXACT

    def conv(self, name: str, x: Node, dilation: int = 1, exact: bool = True) -> Node:
        weight = self.weights[f"{name}.weight"]
        kernel: Node = ops.constant(weight)
        if self.ranges is not None and not exact:
            high = np.abs(weight).max(axis=(1, 2, 3), keepdims=True).clip(min=1e-8)
            kernel = ops.fake_quantize(kernel, -high, high, -high, high, levels=255)
        around = [dilation * (weight.shape[2] // 2)] * 2
        y = ops.convolution(x, kernel, [1, 1], around, around, [dilation, dilation], name=name)
        return ops.add(y, ops.constant(self.weights[f"{name}.bias"].reshape(1, -1, 1, 1)))

    def side(self, name: str, x: Node) -> Node:
        """A 3×3 convolution down to one channel, as nine 1×1 convolutions whose results are shifted and
        summed.

        The same sums in another order. Kernels for few output channels waste fifteen of sixteen lanes; this
        way nine of them work in the large part.
        """
        weight = self.weights[f"{name}.weight"]
        taps = weight[0].reshape(weight.shape[1], 9).T[:, :, None, None]
        spread = ops.convolution(x, ops.constant(np.ascontiguousarray(taps)), [1, 1], [0, 0], [0, 0], [1, 1])
        gather = ops.constant(np.eye(9, dtype=np.float32).reshape(1, 9, 3, 3))
        y = ops.convolution(spread, gather, [1, 1], [1, 1], [1, 1], [1, 1], name=name)
        return ops.add(y, ops.constant(self.weights[f"{name}.bias"].reshape(1, -1, 1, 1)))

    def block(self, name: str, x: Node, dilation: int = 1) -> Node:
        y = ops.relu(self.conv(f"{name}.conv", x, dilation, exact=name in self.exact))
        self.points[name] = y
        return y

    def quantised(self, x: Node, *names: str) -> Node:
        """x in steps of the range that covers all these points; x itself in a float network."""
        if self.ranges is None:
            return x
        low, high = np.float32(0), np.float32(max(self.ranges[name] for name in names))
        return ops.fake_quantize(x, low, high, low, high, levels=256)

    def stage(self, name: str, stage: Stage, x: Node) -> Node:
        steps = stage.height - 1
        dilations = [2**step if stage.dilated else 1 for step in range(steps)]
        entered = self.quantised(self.block(f"{name}.enter", x), f"{name}.enter")
        h, skips = entered, list[Node]()
        for step in range(steps):
            inside = h if step == 0 or stage.dilated else _halve(h)
            # What comes back up to this height is joined with it: the same range for both.
            up = steps - 1 - step
            partner = f"{name}.bottom" if up == 0 else f"{name}.up.{up - 1}"
            here = f"{name}.down.{step}"
            joined = (here,) if f"{name}.up.{up}" in self.exact else (here, partner)
            h = self.quantised(self.block(here, inside, dilations[step]), *joined)
            skips.append(h)
        below = f"{name}.bottom"
        h = self.block(below, h, 2**steps if stage.dilated else 2)
        for up, skip in enumerate(reversed(skips)):
            here, step = f"{name}.up.{up}", steps - 1 - up
            big = _enlarge(h, skip)
            if here not in self.exact:
                big = self.quantised(big, below, f"{name}.down.{step}")
            h = self.block(here, ops.concat([big, skip], 1), dilations[step])
            below = here
        out = ops.add(h, entered)
        self.points[name] = out
        return out

    def network(self) -> openvino.Model:
        picture = ops.parameter([1, 3, SIZE, SIZE], np.float32, name="picture")
        h, skips = picture, list[Node]()
        encoders, decoders = self.shape.encoders, self.shape.decoders
        for step, stage in enumerate(encoders):
            here = f"encoders.{step}"
            h = self.stage(here, stage, _halve(h) if step else h)
            if step < len(encoders) - 1:
                turn = len(encoders) - 2 - step
                partner = f"encoders.{len(encoders) - 1}" if turn == 0 else f"decoders.{turn - 1}"
                h = self.quantised(h, here, partner)
                skips.append(h)
        outputs, below = [h], f"encoders.{len(encoders) - 1}"
        for step, stage in enumerate(decoders):
            skip = skips.pop()
            big = self.quantised(_enlarge(h, skip), below, f"encoders.{len(skips)}")
            below = f"decoders.{step}"
            h = self.stage(below, stage, ops.concat([big, skip], 1))
            outputs.append(h)
        sides = [
            _enlarge(self.side(f"sides.{index}", out), picture) for index, out in enumerate(reversed(outputs))
        ]
        fused = ops.sigmoid(self.conv("fuse", ops.concat(sides, 1)))
        return openvino.Model([ops.result(fused)], [picture], self.shape.name)


def _halve(x: Node) -> Node:
    return ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], rounding_type="ceil").output(0)


def _enlarge(x: Node, like: Node) -> Node:
    size = _sides(like)
    if _sides(x) == size:
        return x
    return ops.interpolate(
        x,
        ops.constant(np.array(size, dtype=np.int64)),
        "linear_onnx",
        "sizes",
        coordinate_transformation_mode="half_pixel",
        axes=ops.constant(np.array([2, 3], dtype=np.int64)),
    )


def _sides(x: Node) -> list[int]:
    output = x.output(0) if callable(getattr(x, "output", None)) else x
    return list(output.shape)[2:]


def build(
    weights: Mapping[str, NDArray[np.float32]], shape: Architecture, ranges: Ranges | None = None
) -> openvino.Model:
    """1×3×320×320 float32 normalised picture -> 1×1×320×320 raw map in 0..1.

    weights: a folded state of u2net.U2Net, by its names. ranges: the highest value of each point; with them
    the network is int8, without them float32.
    """
    return _Builder(weights, shape, ranges).network()


def measurer(
    weights: Mapping[str, NDArray[np.float32]], shape: Architecture
) -> tuple[openvino.Model, list[str]]:
    """A float network whose outputs are the highest value of each point, and the points' names in that
    order."""
    builder = _Builder(weights, shape, None)
    network = builder.network()
    everything: Callable[[Node], Node] = lambda x: ops.reduce_max(x, np.array([0, 1, 2, 3]))  # noqa: E731
    results = [ops.result(everything(point)) for point in builder.points.values()]
    return openvino.Model(results, network.get_parameters(), "measurer"), list(builder.points)

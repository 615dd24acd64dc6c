"""The Predictor: pictures in, saliency maps out, on any engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.backends.choose import choose
from segmentation.shrink import network_input, quantised, stretch


class Predictor:
    """A network on a device in a precision.

    model: a catalogue name or a registered one. device: auto, cpu, cuda or cuda:N. precision: auto, float32,
    bfloat16, float16 or int8. engine: auto, torch or openvino. `auto` takes the fastest one that keeps the
    maps within 1/255 of float32's in the mean. An explicit choice that is not available raises EngineError;
    there is no fallback. threads: CPU threads of the network; None leaves it to the engine. Downloads missing
    weights (WeightsError).

    Not thread-safe: one thread owns a Predictor (see batcher.py).
    """

    def __init__(
        self,
        model: str = "u2net",
        device: str = "auto",
        precision: str = "auto",
        engine: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.model = model
        self.backend = choose(model, device, precision, engine, threads)

    @property
    def description(self) -> str:
        """One line for logs and status pages: model, engine, device, precision."""
        backend = self.backend
        return f"{self.model} on {backend.device} by {backend.engine} in {backend.precision}"

    def predict(
        self, pictures: Sequence[NDArray[np.uint8]], shrink: str = "auto"
    ) -> list[NDArray[np.float32]]:
        """H×W×3 uint8 sRGB pictures of any sizes -> as many 320×320 float32 maps in 0..1.

        The maps are stretched to their own minimum and maximum and quantised to 256 steps, like the authors'.
        A picture without any contrast gives a constant map. shrink: the downscaling method, one of
        shrink.SHRINK_METHODS. Raises EngineError (out_of_memory) when the batch is too large for the device.
        """
        if not pictures:
            return []
        inputs = np.stack([network_input(rgb, shrink) for rgb in pictures])
        return [quantised(stretch(raw)) for raw in self.raw(inputs)]

    def raw(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """N×3×320×320 normalised inputs (shrink.network_input) -> N×320×320 raw maps."""
        return self.backend.run(inputs)

    def warm(self) -> None:
        """Runs once on an empty picture, so that everything is compiled and allocated before the first real
        one.
        """
        self.raw(np.zeros((1, 3, 320, 320), dtype=np.float32))

"""PyTorch: CUDA if there is a GPU, and a CPU path that needs nothing else.

Channels-last memory, folded BatchNorm, inference mode. In half precision the last three convolutions of the
two finest decoders and the outputs stay float32: they cause nearly all of the map's error (measured:
docs/performance.md), and they are a small part of the work.

On CUDA batches are padded to fixed sizes, and each size runs as one CUDA graph: a U²-Net is 119 small
convolutions, and at small batches launching them one by one takes longer than running them.
"""

from __future__ import annotations

import bisect
import ctypes
import sys
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segmentation.backends.base import OutOfMemoryError
from segmentation.errors import EngineError
from segmentation.shapes import INPUT_SIZE
from segmentation.u2net import FusedMap, U2Net

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_GRAPH_SIZES = (1, 2, 4, 8, 16, 32, 64)
_FLOAT_TAIL = 3


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; otherwise it is slower than float32."""
    return torch.ops.mkldnn._is_mkldnn_bf16_supported() and _cpu_flag("avx512_bf16", "amx_bf16")


def _cpu_flag(*names: str) -> bool:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return False
    return any(f" {name}" in flags for name in names)


def keep_large_blocks() -> None:
    """Configures glibc to keep freed blocks of up to 32 MiB instead of returning each to the kernel.

    PyTorch on CPU allocates every layer's output again; without this it spends a fifth of its time on page
    faults. No effect (and no harm) with another C library.
    """
    if not sys.platform.startswith("linux"):
        return
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of <malloc.h>
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(mmap_threshold, 32 << 20)
        mallopt(trim_threshold, 512 << 20)


def to_mixed_precision(network: U2Net, kind: torch.dtype) -> U2Net:
    """Converts the network to half precision, in place, except for the layers that determine the map's last
    digits.
    """
    kept: set[nn.Module] = {*network.sides, network.fuse}
    for decoder in network.decoders[-2:]:
        for block in list(decoder.get_submodule("up").children())[-_FLOAT_TAIL:]:
            kept.update(block.modules())
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module not in kept:
            module.to(kind)
    return network


def resolve_device(device: str) -> torch.device:
    """`auto`, `cpu`, `cuda`, `cuda:1` -> an available device. Raises EngineError if a requested GPU is
    missing.
    """
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise EngineError(
            "unknown_device", f"There is no device {device!r}: choose auto, cpu, cuda or cuda:N."
        ) from error
    if wanted.type == "cpu":
        return wanted
    if wanted.type != "cuda":
        raise EngineError(
            "unknown_device", f"Device {device!r} is not supported: choose auto, cpu, cuda or cuda:N."
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = wanted.index or 0
    if index >= count:
        found = f"{count} CUDA device{'s' if count != 1 else ''}" if count else "no CUDA device"
        raise EngineError(
            "device_missing", f"Device {device!r} is not available: PyTorch finds {found} here."
        )
    return torch.device("cuda", index)


@dataclass
class _Graph:
    """A captured CUDA graph: fill `entry`, replay, read `result`."""

    graph: torch.cuda.CUDAGraph
    entry: Tensor
    result: Tensor


class TorchBackend:
    """Implements `base.Backend`. device: as `resolve_device` returns it; precision: float32, bfloat16 or
    float16.
    """

    engine = "torch"

    def __init__(
        self, network: U2Net, device: torch.device, precision: str, threads: int | None = None
    ) -> None:
        if precision not in _TYPES:
            raise EngineError(
                "precision_missing", f"PyTorch here runs float32, bfloat16 or float16, not {precision}."
            )
        if precision == "float16" and device.type == "cpu":
            raise EngineError(
                "precision_missing", "float16 needs a CUDA device; on a CPU choose bfloat16 or float32."
            )
        self.precision = precision
        self.torch_device = device
        self.device = str(device)
        # Small batches leave a GPU idle, but not a CPU, where larger ones only need more memory.
        self.batch = 1 if device.type == "cpu" else 32
        self._kind = _TYPES[precision]
        self._graphs: dict[int, _Graph] = {}
        if device.type == "cpu":
            keep_large_blocks()
            if threads is not None:
                torch.set_num_threads(threads)
        elif precision == "float32":
            # TF32 in the convolutions would make "float32" a false claim.
            torch.backends.cudnn.allow_tf32 = False
        if self._kind is not torch.float32:
            network = to_mixed_precision(network, self._kind)
        self._network = FusedMap(network).to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `base.Backend.run`."""
        try:
            with torch.inference_mode():
                entry = torch.from_numpy(batch)
                if self.torch_device.type == "cpu":
                    return self._maps(entry.to(self._kind, memory_format=torch.channels_last)).numpy()
                with torch.cuda.device(self.torch_device):
                    return self._run_on_gpu(entry)
        except torch.cuda.OutOfMemoryError as error:
            self._graphs.clear()
            torch.cuda.empty_cache()
            raise OutOfMemoryError(len(batch), self.device) from error

    def _maps(self, entry: Tensor) -> Tensor:
        maps: Tensor = self._network(entry)
        return maps

    def _run_on_gpu(self, entry: Tensor) -> NDArray[np.float32]:
        count = len(entry)
        if count > _GRAPH_SIZES[-1]:
            moved = entry.to(self.torch_device, self._kind, memory_format=torch.channels_last)
            return self._maps(moved).cpu().numpy()
        size = _GRAPH_SIZES[bisect.bisect_left(_GRAPH_SIZES, count)]
        if size not in self._graphs:
            self._graphs[size] = self._capture(size)
        held = self._graphs[size]
        held.entry[:count].copy_(entry.pin_memory(), non_blocking=True)
        held.graph.replay()
        return held.result[:count].cpu().numpy()

    def _capture(self, size: int) -> _Graph:
        """Captures one run at a batch of `size`, after three that let cuDNN choose its kernels."""
        shape = (size, 3, INPUT_SIZE, INPUT_SIZE)
        entry = torch.zeros(shape, dtype=self._kind, device=self.torch_device).to(
            memory_format=torch.channels_last
        )
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._maps(entry)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self._maps(entry)
        return _Graph(graph, entry, result)

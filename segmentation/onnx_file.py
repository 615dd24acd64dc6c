"""Reads the weights, and nothing else, from an ONNX file.

ONNX is a Protocol Buffers message whose field numbers never change (onnx.proto: ModelProto.graph = 7,
GraphProto.initializer = 5, TensorProto.dims = 1, data_type = 2, name = 8, raw_data = 9). The `onnx` package
would add 20 MB, protobuf and ml_dtypes to every installation for a single conversion. The wire format takes a
page of code (https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import WeightsError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_GRAPH, _GRAPH_INITIALIZER = 7, 5
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
_FLOAT = 1


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Returns the base-128 number at `at` and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than ten bytes")


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yields (field number, number or bytes) of a message, in file order, without copying."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"a field of unknown kind {kind}")
        if at + length > len(data):
            raise ValueError("a field longer than the file")
        yield key >> 3, data[at : at + length]
        at += length


def _dims(value: int | memoryview) -> list[int]:
    """Returns the sizes of a field: one number, or several packed ones. Both are valid for a repeated
    number."""
    if isinstance(value, int):
        return [value]
    sizes, at = [], 0
    while at < len(value):
        size, at = _varint(value, at)
        sizes.append(size)
    return sizes


def _tensor(data: memoryview) -> tuple[str, NDArray[np.float32]]:
    shape: list[int] = []
    name, kind, raw = "", 0, memoryview(b"")
    for number, value in _fields(data):
        if number == _TENSOR_DIMS:
            shape.extend(_dims(value))
        elif number == _TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif number == _TENSOR_NAME and isinstance(value, memoryview):
            name = bytes(value).decode()
        elif number == _TENSOR_RAW and isinstance(value, memoryview):
            raw = value
    if kind != _FLOAT or len(raw) != 4 * math.prod(shape):
        raise ValueError(f"tensor {name!r} is not plain float32")
    return name, np.frombuffer(raw, dtype="<f4").reshape(shape)


def read_initializers(path: Path) -> dict[str, NDArray[np.float32]]:
    """Returns every weight of the ONNX file, by name, in file order, as float32 views of one buffer of the
    file. Raises WeightsError `weights_unreadable` for any other file.
    """
    weights: dict[str, NDArray[np.float32]] = {}
    try:
        for number, graph in _fields(memoryview(path.read_bytes())):
            if number != _MODEL_GRAPH or not isinstance(graph, memoryview):
                continue
            for inner, tensor in _fields(graph):
                if inner == _GRAPH_INITIALIZER and isinstance(tensor, memoryview):
                    name, values = _tensor(tensor)
                    weights[name] = values
    except (ValueError, IndexError) as error:
        raise WeightsError(
            "weights_unreadable", f"{path.name} is not a readable ONNX file: {error}."
        ) from error
    if not weights:
        raise WeightsError("weights_unreadable", f"{path.name} holds no weights.")
    return weights

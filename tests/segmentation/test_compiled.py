"""The cache of compiled networks: a damaged one is recompiled, and the cache is optional."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from segmentation import weights
from segmentation.__main__ import main
from segmentation.backends import compiled
from segmentation.backends.openvino_cpu import OpenVinoBackend
from segmentation.errors import EngineError, WeightsError
from segmentation.fetching import pull
from segmentation.pipeline import Pipeline
from segmentation.u2net import U2NETP

ENTRY = np.linspace(-1, 1, 3 * 320 * 320, dtype=np.float32).reshape(1, 3, 320, 320)


@pytest.fixture
def own(empty_cache: Path, tmp_path: Path, small_network: U2NETP) -> Path:
    """A cache with the weights of one model, called `own`."""
    save_file(small_network.state_dict(), tmp_path / "own.safetensors")
    weights.register("own", tmp_path / "own.safetensors", "u2netp")
    return empty_cache


def maps() -> np.ndarray:
    """The maps of a new process: no backend keeps anything in memory for the next one."""
    return OpenVinoBackend("own", "float32", threads=1).run(ENTRY)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock files cannot be opened, as in a folder of another user."""

    def refuse(_lock: object, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)


@pytest.fixture
def foreign_cache(own: Path, no_locks: None) -> Path:
    """The same cache, complete but read-only."""
    return own


@pytest.mark.usefixtures("own")
def test_a_second_start_loads_the_compiled_network(monkeypatch: pytest.MonkeyPatch) -> None:
    first = maps()
    (file,) = compiled.folder().iterdir()
    assert file.name.startswith("own-float32-1x1-")
    assert file.stat().st_mode & 0o444 == 0o444
    monkeypatch.setattr(compiled, "_compile", lambda *_: pytest.fail("it compiled again"))
    np.testing.assert_array_equal(maps(), first)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("place", [0, 40, 0.5, -1])
def test_a_network_with_one_wrong_byte_is_recompiled(place: float, caplog: pytest.LogCaptureFixture) -> None:
    right = maps()
    (file,) = compiled.folder().iterdir()
    data = bytearray(file.read_bytes())
    data[int(len(data) * place) if isinstance(place, float) else place] ^= 0x40
    file.write_bytes(data)

    np.testing.assert_array_equal(maps(), right)

    assert "is damaged; it is compiled again" in caplog.text
    assert [path.name for path in compiled.folder().iterdir()] == [file.name]
    assert compiled._load(file, {}) is not None
    assert hashlib.sha256(file.read_bytes()[32:]).digest() == file.read_bytes()[:32]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("length", [0, 31, 32, 5000])
def test_a_truncated_network_is_recompiled(length: int) -> None:
    right = maps()
    (file,) = compiled.folder().iterdir()
    file.write_bytes(file.read_bytes()[:length])
    np.testing.assert_array_equal(maps(), right)


def test_another_graph_or_option_has_another_file(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = own / "graph.py"
    source.write_text("one", "utf-8")
    monkeypatch.setattr(compiled, "_GRAPH_SOURCES", (source,))
    paths = {compiled.cached_path("a", {"x": 1}), compiled.cached_path("a", {"x": 2})}
    source.write_text("two", "utf-8")
    paths.add(compiled.cached_path("a", {"x": 1}))
    assert len(paths) == 3


def test_a_read_only_cache_is_sufficient(foreign_cache: Path) -> None:
    """With the weights present, the network runs, and nothing is written."""
    before = sorted(foreign_cache.rglob("*"))
    with pytest.raises(WeightsError) as caught, weights.locked("own"):
        pass
    assert caught.value.code == "cache_unusable"
    assert maps().shape == (1, 320, 320)
    assert sorted(foreign_cache.rglob("*")) == before


def test_a_compiled_network_of_another_user_is_loaded(own: Path, request: pytest.FixtureRequest) -> None:
    right = maps()
    request.getfixturevalue("no_locks")
    request.getfixturevalue("monkeypatch").setattr(compiled, "_compile", lambda *_: pytest.fail("compiled"))
    np.testing.assert_array_equal(maps(), right)


@pytest.mark.usefixtures("own")
def test_a_compiled_network_that_cannot_be_stored_is_used() -> None:
    compiled.folder().write_bytes(b"a file where the folder should be")
    assert maps().shape == (1, 320, 320)


@pytest.mark.parametrize("offline", ["0", "1"])
def test_pulling_cached_weights_writes_nothing(
    offline: str,
    foreign_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`make run` begins with this command."""
    monkeypatch.setenv("BGPLATFORM_OFFLINE", offline)
    known = weights.record("own")
    assert known is not None
    folder = foreign_cache / "weights"
    record = (folder / "own.json").read_text("utf-8").replace('"own"', '"u2netp"', 1)
    (folder / "u2netp.json").write_text(record, "utf-8")
    path = known.path.with_name(known.path.name.replace("own", "u2netp", 1))
    path.write_bytes(known.path.read_bytes())

    assert pull("u2netp") == path
    assert main(["weights", "pull", "u2netp"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("no_locks", "empty_cache")
def test_pulling_into_a_read_only_cache_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["weights", "pull", "u2netp"]) == 1
    assert (
        "cannot be used: Permission denied. Set BGPLATFORM_CACHE to another folder."
        in capsys.readouterr().err
    )


def test_an_engine_without_its_files_is_not_reported_as_a_bad_picture(
    pipeline: Pipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All pictures would fail: one sentence, which names no picture."""

    def broken(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/cache/of/somebody")

    monkeypatch.setattr(OpenVinoBackend, "run", broken)
    monkeypatch.setattr(OpenVinoBackend, "run_concurrently", broken)
    samples = Path(__file__).parents[2] / "static" / "samples"
    code = main(["cutout", str(samples), "-o", str(tmp_path), "--model", "u2netp", "--engine", "openvino"])
    said = capsys.readouterr().err
    sentence = (
        "cutout: The engine failed, not the picture: Permission denied (/cache/of/somebody). "
        "Check the cache folder and the installation. (engine_failed)"
    )
    assert code == 1
    assert [line for line in said.splitlines() if "Permission denied" in line] == [sentence]
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_cannot_be_constructed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("segmentation.pipeline.Predictor", broken)
    with pytest.raises(EngineError, match=r"The engine failed, not the picture: Input/output error"):
        Pipeline("u2netp", "cpu")

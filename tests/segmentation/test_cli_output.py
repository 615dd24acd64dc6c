"""`cutout` end to end, with an engine that only copies."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from segmentation.__main__ import main
from segmentation.cli import streams
from segmentation.pictures import Limits, PictureSource, decode
from segmentation.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
COFFEE = ROOT / "static" / "samples" / "coffee.webp"
Cutout = Callable[..., tuple[int, list[str]]]


class _Copier:
    """Replaces Pipeline: decodes a picture as it does, and writes its size and format."""

    description = "copier"

    def __init__(self, _model: str, _device: str, _precision: str, limits: Limits, **_: object) -> None:
        self.limits = limits

    def segment(self, source: PictureSource, _: Recipe) -> SimpleNamespace:
        info = decode(source, self.limits).info
        return SimpleNamespace(info=info, warnings=info.warnings)

    def file(self, segmented: SimpleNamespace, recipe: Recipe, *_: object, **__: object) -> SimpleNamespace:
        info = segmented.info
        return SimpleNamespace(data=f"{info.width}x{info.height} {recipe.format}\r\n\0".encode())

    def close(self) -> None:
        pass


@pytest.fixture
def cutout(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cutout:
    """Runs the command; returns its exit code and the lines on stderr, without the first one about the
    engine.
    """
    monkeypatch.setattr("segmentation.pipeline.Pipeline", _Copier)

    def run(*arguments: object) -> tuple[int, list[str]]:
        code = main(["cutout", *map(str, arguments)])
        lines = capfd.readouterr().err.splitlines()
        return code, [line for line in lines if line != "cutout: copier"]

    return run


def _picture(path: Path, width: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, 6)).save(path)
    return path


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_running_the_same_command_again(cutout: Cutout, tmp_path: Path) -> None:
    top = tmp_path / "in"
    for name in ("a.png", "deep/a.jpg", "deep/b.gif"):
        _picture(top / name)
    words = (top, "-o", top / "out", "--recursive")
    assert cutout(*words) == (0, [])
    first = _tree(top / "out")
    assert sorted(first) == ["a.png", "deep/a.png", "deep/b.png"]
    code, lines = cutout(*words)
    assert code == 1
    assert [line.split(" is there already")[0] for line in lines] == [
        f"cutout: {top}: left out, because the results go there: 1 folder (out).",
        f"cutout: {top}/a.png: {top}/out/a.png",
        f"cutout: {top}/deep/a.jpg: {top}/out/deep/a.png",
        f"cutout: {top}/deep/b.gif: {top}/out/deep/b.png",
    ]
    assert _tree(top / "out") == first
    _picture(top / "new.jpg")
    (top / "out" / "a.png").write_bytes(b"retouched by hand")
    code, lines = cutout(*words, "--skip-existing")
    assert (code, lines[1:]) == (0, ["cutout: 3 results are there already: left out."])
    assert _tree(top / "out") == first | {"a.png": b"retouched by hand", "new.png": b"8x6 png\r\n\0"}
    assert cutout(*words, "--skip-existing")[0] == 0
    assert cutout(*words, "--overwrite")[0] == 0
    assert _tree(top / "out")["a.png"] == first["a.png"]


def test_an_output_with_a_picture_suffix_is_a_file(cutout: Cutout, tmp_path: Path) -> None:
    source = _picture(tmp_path / "in.png")
    for name, form in (("a/out.png", "png"), ("b.JPG", "jpeg"), ("c.webp", "webp"), ("d.zip", "zip")):
        assert cutout(source, "-o", tmp_path / name) == (0, [])
        assert (tmp_path / name).read_bytes() == f"8x6 {form}\r\n\0".encode()
    words = (source, "-o", tmp_path / "white.png", "--preset", "white-square-1000")
    assert (cutout(*words)[0], (tmp_path / "white.png").read_bytes()) == (0, b"8x6 png\r\n\0")
    assert cutout(source, "-o", tmp_path / "e.webp", "--format", "webp-lossless")[0] == 0
    assert (tmp_path / "e.webp").read_bytes() == b"8x6 webp-lossless\r\n\0"
    code, lines = cutout(source, "-o", tmp_path / "b.JPG")
    assert (code, len(lines)) == (1, 1)
    assert "b.JPG is there already" in lines[0]
    assert cutout(source, "-o", tmp_path / "b.JPG", "--skip-existing")[0] == 0
    assert cutout(source, "-o", tmp_path / "b.JPG", "--overwrite")[0] == 0
    for overwrite in ((), ("--overwrite",)):
        code, lines = cutout(source, "-o", source, *overwrite)
        assert (code, lines) == (
            1,
            [f"cutout: {source}: its result would overwrite it: choose another name."],
        )
    with Image.open(source) as image:
        assert image.size == (8, 6)


def test_an_output_folder_may_have_a_suffix(cutout: Cutout, tmp_path: Path) -> None:
    source = _picture(tmp_path / "in.gif")
    (tmp_path / "there.png").mkdir()
    for folder in ("there.png", "new.png/", "other.png/.", "cutouts-2.0"):
        assert cutout(source, "-o", f"{tmp_path}/{folder}") == (0, [])
        assert (tmp_path / folder / "in.png").is_file()


@pytest.mark.parametrize(
    ("inputs", "words", "code"),
    [
        (("a.png", "b.png"), ("-o", "out.png"), "one_result"),
        (("a.png", "b.png"), ("-o", "-"), "one_result"),
        ((".",), ("-o", "out.png"), "one_result"),
        ((".",), ("-o", "-"), "one_result"),
        (("a.png",), ("-o", "out.gif"), "not_written"),
        (("a.png",), ("-o", "out.png", "--format", "jpeg"), "format_differs"),
        (("a.png",), ("-o", ""), "no_output"),
    ],
)
def test_usage_errors(
    inputs: tuple[str, ...], words: tuple[str, ...], code: str, cutout: Cutout, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        _picture(tmp_path / name)
    before = _tree(tmp_path)
    exit_code, lines = cutout(*inputs, *words)
    assert (exit_code, len(lines)) == (2, 1)
    assert lines[0].endswith(f"({code})")
    assert _tree(tmp_path) == before


def test_overwrite_and_skip_existing_exclude_each_other(cutout: Cutout) -> None:
    with pytest.raises(SystemExit) as end:
        cutout("a.png", "-o", "out", "--overwrite", "--skip-existing")
    assert end.value.code == 2


def _stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_pipes(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    monkeypatch.setattr("segmentation.pipeline.Pipeline", _Copier)
    data = _picture(tmp_path / "in.png").read_bytes()
    _stdin(monkeypatch, data)
    assert main(["cutout", "-", "-o", "-", "--format", "webp"]) == 0
    assert capfdbinary.readouterr() == (b"8x6 webp\r\n\0", b"cutout: copier\n")
    assert main(["cutout", str(tmp_path / "in.png"), "-o", "-"]) == 0
    assert capfdbinary.readouterr().out == b"8x6 png\r\n\0"
    for target, name in ((tmp_path / "new.jpg", "new.jpg"), (tmp_path / "out", "out/picture.png")):
        _stdin(monkeypatch, data)
        assert main(["cutout", "-", "-o", str(target)]) == 0
        assert (tmp_path / name).is_file()
    for wrong, sentence in (
        (b"", "standard input: The file is empty"),
        (b"no picture", "standard input: This is not a"),
    ):
        _stdin(monkeypatch, wrong)
        capfdbinary.readouterr()
        assert main(["cutout", "-", "-o", "-"]) == 1
        said = capfdbinary.readouterr()
        assert said.out == b""
        assert sentence.encode() in said.err


def test_a_closed_pipe_is_not_reported_as_a_bad_picture(cutout: Cutout, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(writer, "w") as stdout:
        patch.setattr(sys, "stdout", stdout)
        code, lines = cutout(_picture(tmp_path / "in.png"), "-o", "-")
    assert (code, len(lines)) == (1, 1)
    assert lines[0].endswith("Standard output cannot be written: Broken pipe. (cannot_write)")


def test_an_endless_pipe_is_refused(cutout: Cutout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAM_BYTES", 1_000_000)
    code, lines = cutout("/dev/zero", "-o", "-")
    assert code == 1
    assert lines == [
        "cutout: /dev/zero: More than 1 MB came through the pipe: name a file instead. (too_many_bytes)"
    ]


def test_a_named_pipe_is_read(cutout: Cutout, tmp_path: Path) -> None:
    data = _picture(tmp_path / "in.png").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    assert cutout(tmp_path / "pipe", "-o", tmp_path / "out.png") == (0, [])
    writer.join()


def test_a_file_named_dash_is_a_file(cutout: Cutout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _picture(tmp_path / "in.png").rename(tmp_path / "-")
    assert cutout("./-", "-o", "out.png") == (0, [])


def test_warnings_are_printed_without_failure(cutout: Cutout, tmp_path: Path) -> None:
    first = Image.new("L", (8, 6))
    first.save(tmp_path / "anim.gif", save_all=True, append_images=[Image.new("L", (8, 6), 255)])
    code, (line,) = cutout(tmp_path / "anim.gif", "-o", tmp_path / "out")
    assert code == 0
    assert line.startswith(f"cutout: {tmp_path / 'anim.gif'}: warning: ")
    assert "first" in line
    words = (_picture(tmp_path / "a.png"), "-o", tmp_path / "b.png")
    code, (line,) = cutout(*words, "--background", f"picture:{tmp_path / 'anim.gif'}")
    assert code == 0
    assert line.startswith(f"cutout: {tmp_path / 'anim.gif'}: warning: ")


def test_the_pixel_limit_has_an_option(cutout: Cutout, tmp_path: Path) -> None:
    source = _picture(tmp_path / "wide.png", 32_000)
    words = (source, "-o", tmp_path / "out.png", "--max-megapixels")
    code, (line,) = cutout(*words, "0.19")
    assert code == 1
    assert line.endswith("(too_many_pixels) --max-megapixels takes larger ones.")
    # The same limit applies to the background picture.
    assert cutout(*words, "0.192", "--background", f"picture:{source}") == (0, [])


@pytest.mark.real
def test_shell_pipes(pipeline: object, tmp_path: Path) -> None:
    """The real command between real pipes: only the picture comes out."""
    command = [sys.executable, "-m", "segmentation", "cutout", "-", "-o", "-", "--model", "u2netp"]
    data = COFFEE.read_bytes()
    done = subprocess.run(command, input=data, cwd=ROOT, capture_output=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as image:
        image.load()
        assert (image.format, image.mode) == ("PNG", "RGBA")
    assert b"u2netp on " in done.stderr

"""`python -m segmentation cutout`, as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "static" / "samples"


@pytest.fixture
def cutout(pipeline: object, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs the command with u2netp; returns its exit code and its stderr."""

    def run(*arguments: object) -> tuple[int, str]:
        code = main(["cutout", *map(str, arguments), "--model", "u2netp", "--device", "cpu"])
        return code, capfd.readouterr().err

    return run


@pytest.mark.real
def test_a_folder_of_three_formats(cutout: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    code, said = cutout(SAMPLES, "-o", tmp_path / "out", "--refine", "off")
    assert code == 0
    assert "u2netp on cpu" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "astronaut.png",
        "chelsea.png",
        "coffee.png",
    ]
    for path in (tmp_path / "out").iterdir():
        with Image.open(path) as image, Image.open(next(SAMPLES.glob(f"{path.stem}.*"))) as source:
            assert (image.mode, image.size) == ("RGBA", source.size)
            alpha = np.asarray(image)[..., 3]
            assert (int(alpha.min()), int(alpha.max())) == (0, 255)


@pytest.mark.real
def test_the_matte_alone_and_another_format(cutout: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    assert cutout(SAMPLES / "chelsea.png", "-o", tmp_path, "--channels", "alpha")[0] == 0
    with Image.open(tmp_path / "chelsea.png") as image:
        assert image.mode == "L"
    assert cutout(SAMPLES / "chelsea.png", "-o", tmp_path, "--preset", "white-square-1000")[0] == 0
    assert (tmp_path / "chelsea.jpg").exists()


@pytest.mark.real
def test_a_bad_file_is_reported_and_the_others_are_processed(
    cutout: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    good = (SAMPLES / "astronaut.jpg").read_bytes()
    (tmp_path / "in" / "good.jpg").write_bytes(good)
    (tmp_path / "in" / "half.jpg").write_bytes(good[: len(good) // 2])
    (tmp_path / "in" / "text.jpg").write_text("not a picture")
    (tmp_path / "in" / "empty.png").touch()
    (tmp_path / "in" / "notes.txt").write_text("left alone")
    code, said = cutout(tmp_path / "in", tmp_path / "nowhere.jpg", "-o", tmp_path / "out")
    assert code == 1
    for name, error in (
        ("half.jpg", "truncated_picture"),
        ("text.jpg", "unsupported_format"),
        ("empty.png", "empty_file"),
    ):
        (line,) = [line for line in said.splitlines() if name in line]
        assert error in line
    assert "nowhere.jpg: there is no such file" in said
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]


@pytest.mark.real
def test_equal_names_are_numbered_and_reported(
    cutout: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.jpg").write_bytes((SAMPLES / "astronaut.jpg").read_bytes())
    code, said = cutout(tmp_path / "a", tmp_path / "b", "-o", tmp_path / "out", "--refine", "off")
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["same-2.png", "same.png"]
    assert "the name is taken, so the result is same-2.png" in said


@pytest.mark.real
def test_a_name_may_be_so_long_that_its_result_just_fits(
    cutout: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    source = tmp_path / f"{'ü' * 125}a.jpg"  # 255 bytes, as its result; the bytes show the format
    source.write_bytes((SAMPLES / "coffee.webp").read_bytes())
    code, said = cutout(source, "-o", tmp_path / "out", "--refine", "off")
    assert code == 0, said
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{'ü' * 125}a.png"]
    code, said = cutout(source, "-o", tmp_path / "out", "--refine", "off", "--format", "webp")
    assert code == 0, said
    assert f"the name is too long, so the result is {'ü' * 118}.webp" in said
    assert (tmp_path / "out" / f"{'ü' * 118}.webp").exists()


@pytest.mark.real
def test_a_source_is_never_overwritten(cutout: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    source = tmp_path / "cat.png"
    source.write_bytes((SAMPLES / "chelsea.png").read_bytes())
    code, said = cutout(source, "-o", tmp_path)
    assert code == 1
    assert "would overwrite" in said
    assert source.read_bytes() == (SAMPLES / "chelsea.png").read_bytes()


def test_an_invalid_recipe_is_a_usage_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["cutout", "x.jpg", "-o", str(tmp_path), "--background", "no-colour"]) == 2
    assert "background" in capfd.readouterr().err


def test_an_empty_folder_is_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    assert main(["cutout", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 1
    assert "no picture" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


_BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Blocker())
"""


@pytest.mark.real
def test_it_runs_without_django(pipeline: object, tmp_path: Path) -> None:
    script = _BLOCKED.format(blocked={"django", "common", "accounts", "jobs", "bgplatform"})
    script += (
        "import runpy; sys.argv[0] = 'segmentation'; runpy.run_module('segmentation', run_name='__main__')"
    )
    command = [
        sys.executable,
        "-c",
        script,
        "cutout",
        SAMPLES / "coffee.webp",
        "-o",
        tmp_path,
        "--model",
        "u2netp",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "coffee.png").exists()


def test_light_modules_import_nothing_heavy() -> None:
    script = _BLOCKED.format(blocked={"torch", "openvino", "numba", "cv2", "pymatting", "django", "scipy"})
    script += "import segmentation, segmentation.errors, segmentation.recipe, segmentation.pictures\n"
    script += "import segmentation.weights, segmentation.shrink, segmentation.batcher\n"
    script += "from segmentation.__main__ import main\n"
    script += "try: main(['--help'])\nexcept SystemExit as end: sys.exit(end.code)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "cutout" in done.stdout


@pytest.mark.real
def test_a_result_beyond_the_limit_is_reported(
    cutout: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    limited = (SAMPLES / "chelsea.png", "-o", tmp_path / "out", "--max-result-megapixels", "0.2")
    code, said = cutout(*limited, "--size", "600x600")
    assert code == 1
    assert "chelsea.png: The result would have 600×600 pixels" in said
    # A result that is no larger than its source is rendered.
    assert cutout(*limited)[0] == 0

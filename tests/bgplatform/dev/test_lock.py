"""The requirements files: complete, exact, the versions that are installed and tested here."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bgplatform.dev import lock

ROOT = Path(__file__).resolve().parents[3]
WEB, GROUPS = lock.project()
WORKER = [*WEB, *GROUPS["worker"]]
RUN = [*WORKER, *GROUPS["local"]]
HASHED = ("web.txt", "worker-cpu.txt", "worker-cuda.txt", "development.txt")


def lines_of(name: str) -> list[str]:
    """The lines of a requirements file without comments, hashes and references to other files."""
    lines = (line.partition("#")[0].strip(" \\\n") for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def pins(name: str) -> dict[str, str]:
    """Returns the pinned versions of a requirements file, by canonical name."""
    found = (re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?==([\w.!]+)", line) for line in lines_of(name))
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def all_pins() -> dict[str, str]:
    return {**pins("requirements.txt"), **pins("requirements-dev.txt")}


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", *(f"requirements/{name}" for name in HASHED)]
)
def test_every_requirement_is_pinned_exactly(name: str) -> None:
    assert len(lines_of(name)) == len(pins(name)) > 0


@pytest.mark.parametrize(
    ("named", "name"), [(RUN, "requirements.txt"), (GROUPS["dev"], "requirements-dev.txt")]
)
def test_pins_match_the_ranges_of_pyproject(named: list[str], name: str) -> None:
    versions = {**pins("requirements.txt"), **pins(name)}
    for text in named:
        requirement = Requirement(text)
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), text


def test_pins_match_the_installed_versions() -> None:
    for name, version in all_pins().items():
        assert distribution(name).version.partition("+")[0] == version, f"{name}: run `make lock`"


def test_runtime_requirements_have_no_development_tools() -> None:
    heavy = {"rembg", "nncf", "pysodmetrics", "playwright", "pytest", "uv", "import-linter"}
    assert not heavy & pins("requirements.txt").keys()


@pytest.mark.parametrize(
    ("name", "direct"),
    [
        ("web.txt", WEB),
        ("worker-cpu.txt", lock.without_torch(WORKER)),
        ("development.txt", lock.without_torch([*RUN, *GROUPS["dev"]])),
    ],
)
def test_each_process_pins_what_pyproject_names_for_it(name: str, direct: list[str]) -> None:
    needed = lock.closure(direct).keys()
    found = pins(f"requirements/{name}")
    found.pop("async-timeout", None)  # redis needs it below Python 3.11.3
    assert found == {one: all_pins()[one] for one in needed}, "run `make lock`"


def test_the_cuda_worker_is_the_cpu_worker_with_torch_and_its_libraries() -> None:
    cpu, cuda = pins("requirements/worker-cpu.txt"), pins("requirements/worker-cuda.txt")
    assert cpu.items() <= cuda.items()
    more = cuda.keys() - cpu.keys()
    assert {"torch", "triton", "nvidia-cudnn-cu13"} <= more
    assert all(name == "torch" or lock.CUDA_ONLY.match(name) for name in more)
    assert cuda["torch"] == pins("requirements.txt")["torch"] == pins("requirements/torch.txt")["torch"]


def test_the_web_installs_no_engine_and_no_codec() -> None:
    heavy = {
        "torch",
        "openvino",
        "opencv-python-headless",
        "scipy",
        "simplejpeg",
        "pi-heif",
        "isal",
        "safetensors",
    }
    assert not heavy & pins("requirements/web.txt").keys()


@pytest.mark.parametrize("name", HASHED)
def test_every_package_has_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=[^\s#])", (ROOT / "requirements" / name).read_text())
    for block in blocks[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.partition(" ")[0]


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_no_file_names_an_index(path: Path) -> None:
    assert "://" not in path.read_text()
    assert "index-url" not in path.read_text()


def test_torch_is_hashed_only_where_its_build_is_known() -> None:
    for name in ("web.txt", "worker-cpu.txt", "development.txt"):
        assert "torch" not in pins(f"requirements/{name}")

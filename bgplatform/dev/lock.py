"""Write every requirements file: `make lock`.

pyproject.toml names the direct dependencies by process. The versions are those of the installed packages, so
a lock is always a set that was installed and tested together (docs/decisions/0009). requirements.txt and
requirements-dev.txt hold pins only; the files in requirements/ also hold hashes, which uv reads from the
index.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
PINS: Final = ("requirements.txt", "requirements-dev.txt")
# Libraries that only the CUDA build of torch needs.
CUDA_ONLY: Final = re.compile(r"(nvidia|cuda)-|triton$")

WEB_HEAD: Final = "Web, courier and scheduler: no engine and no codecs."
CPU_HEAD: Final = """\
Worker without a GPU: everything but torch. Its CPU build comes from another index than the other packages, so
no hash of it holds everywhere: install torch.txt apart, with --no-deps."""
CUDA_HEAD: Final = (
    "Worker with an NVIDIA GPU: the CUDA build of torch and its libraries, for Linux on x86-64."
)
DEVELOPMENT_HEAD: Final = "Tests and checks: everything but torch, as in worker-cpu.txt."
TORCH_HEAD: Final = """\
The version of torch, without a hash: the same version has a build for CPU and one for CUDA, and the index
that pip is configured to use decides which one it installs."""


def project() -> tuple[list[str], dict[str, list[str]]]:
    """The dependencies and the optional groups that pyproject.toml names."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found["dependencies"], found["optional-dependencies"]


def closure(direct: list[str]) -> dict[str, set[str]]:
    """Every package that `direct` needs on this platform, by name, with the packages that need it."""
    asked: dict[str, set[str]] = {}
    waiting = [(Requirement(text), "") for text in direct]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, parent = waiting.pop()
        name = canonicalize_name(requirement.name)
        asked.setdefault(name, set()).update({parent} - {""})
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        for child in _requires(name, requirement.extras):
            waiting.append((child, name))
    return asked


def _requires(name: str, extras: set[str]) -> list[Requirement]:
    """The direct requirements of an installed package on this platform."""
    found = [Requirement(text) for text in distribution(name).requires or []]
    return [
        child
        for child in found
        if child.marker is None or any(child.marker.evaluate({"extra": extra}) for extra in extras or {""})
    ]


def without_torch(direct: list[str]) -> list[str]:
    """`direct` with torch replaced by what its CPU build needs."""
    rest = [text for text in direct if Requirement(text).name != "torch"]
    needs = [child.name for child in _requires("torch", set()) if not CUDA_ONLY.match(child.name)]
    return [*rest, *needs]


def pin(name: str) -> str:
    """`name==version` as installed, without a local part such as +cpu, which only some indexes have."""
    found = distribution(name)
    return f"{found.metadata['Name']}=={found.version.partition('+')[0]}"


def section(title: str, lines: list[str]) -> list[str]:
    """One headed block of a requirements file."""
    return ["", f"# {title}", *sorted(lines, key=str.lower)]


def write(path: Path, head: list[str], direct: set[str], needed: dict[str, set[str]]) -> None:
    """Write a file of pins: the packages that we name, then the packages that those need."""
    ours = [pin(name) for name in needed if name in direct]
    brought = [f"{pin(name)}  # {', '.join(sorted(by))}" for name, by in needed.items() if name not in direct]
    lines = [*head, *section("named in pyproject.toml", ours), *section("what those need", brought)]
    path.write_text("\n".join(lines) + "\n")


def write_hashed(name: str, head: str, direct: list[str]) -> None:
    """Resolve `direct` within the pins of requirements*.txt and write it with hashes. Asks the index."""
    path = ROOT / "requirements" / name
    options = ["--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11", "--upgrade"]
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-config", *options]
    command += ["--python-platform", "x86_64-manylinux_2_28", "-"]
    for pins in PINS:
        command += ["--constraint", pins]
    resolved = subprocess.run(
        command, input="\n".join(direct), cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True
    )
    path.write_text(f"{comment(head)}\n{resolved.stdout}")


def comment(text: str) -> str:
    """The head of a written file."""
    lines = ["Written by `make lock`; name packages in pyproject.toml.", *text.splitlines()]
    return "\n".join(f"# {line}" for line in lines)


def names_of(direct: list[str]) -> set[str]:
    """The canonical names of requirements."""
    return {str(canonicalize_name(Requirement(text).name)) for text in direct}


def main() -> int:
    """Write all files. Returns the exit code."""
    web, groups = project()
    worker, dev = [*web, *groups["worker"]], groups["dev"]
    run = [*worker, *groups["local"]]
    try:
        needed, needed_dev = closure(run), closure(dev)
    except PackageNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed: install it, then make the lock.\n")
        return 1
    said = comment("Everything that `make run` needs. No hashes: pip checks all or none, and torch has none.")
    write(ROOT / "requirements.txt", said.splitlines(), names_of(run), needed)
    only_dev = {name: by for name, by in needed_dev.items() if name not in needed}
    said = comment("What tests and checks need on top.")
    write(ROOT / "requirements-dev.txt", [*said.splitlines(), "-r requirements.txt"], names_of(dev), only_dev)
    (ROOT / "requirements" / "torch.txt").write_text(f"{comment(TORCH_HEAD)}\n{pin('torch')}\n")
    write_hashed("web.txt", WEB_HEAD, web)
    write_hashed("worker-cpu.txt", CPU_HEAD, without_torch(worker))
    write_hashed("worker-cuda.txt", CUDA_HEAD, worker)
    write_hashed("development.txt", DEVELOPMENT_HEAD, without_torch([*run, *dev]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

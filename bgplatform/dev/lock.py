"""Write requirements.txt and requirements-dev.txt from the installed packages: `make lock`.

pyproject.toml names the direct dependencies; transitive ones are read from the metadata of the installed
packages. So a lock is always a set that was installed and tested together.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def closure(direct: list[str]) -> dict[str, set[str]]:
    """Returns every package that `direct` needs on this platform, by canonical name, with its dependents."""
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
        for text in distribution(name).requires or []:
            child = Requirement(text)
            extras = requirement.extras or {""}
            if child.marker is None or any(child.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append((child, name))
    return asked


def pin(name: str) -> str:
    """Returns `name==version` as installed, without a local version such as +cpu, which only some indexes
    have.
    """
    found = distribution(name)
    return f"{found.metadata['Name']}=={found.version.partition('+')[0]}"


def section(title: str, lines: list[str]) -> list[str]:
    """Returns one section of a requirements file, with its heading."""
    return ["", f"# {title}", *sorted(lines, key=str.lower)]


def write(path: Path, head: list[str], direct: set[str], needed: dict[str, set[str]]) -> None:
    """Write one requirements file: direct dependencies, then transitive ones, each with its dependents."""
    ours = [pin(name) for name in needed if name in direct]
    brought = [f"{pin(name)}  # {', '.join(sorted(by))}" for name, by in needed.items() if name not in direct]
    lines = [*head, *section("named in pyproject.toml", ours), *section("what those need", brought)]
    path.write_text("\n".join(lines) + "\n")


def main() -> int:
    """Write both files. Returns the exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime, dev = project["dependencies"], project["optional-dependencies"]["dev"]
    try:
        needed, needed_dev = closure(runtime), closure(dev)
    except PackageNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed: install it, then make the lock.\n")
        return 1
    said = "# Written by `make lock` from what is installed; name packages in pyproject.toml."
    direct = {str(canonicalize_name(Requirement(text).name)) for text in runtime}
    write(ROOT / "requirements.txt", [said], direct, needed)
    only_dev = {name: by for name, by in needed_dev.items() if name not in needed}
    direct_dev = {str(canonicalize_name(Requirement(text).name)) for text in dev}
    write(ROOT / "requirements-dev.txt", [said, "-r requirements.txt"], direct_dev, only_dev)
    return 0


if __name__ == "__main__":
    sys.exit(main())

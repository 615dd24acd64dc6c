"""docs/configuration.md lists every variable that the code reads, with its default."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READERS = {
    "boolean",
    "choice",
    "database",
    "email",
    "folder",
    "fraction",
    "integer",
    "names",
    "networks",
    "optional_secret",
    "required",
    "secret",
    "text",
    "time_zone",
    "url",
}
# Set by one of our processes for another, by the system, or by torchrun; not for configuration.
OURS = {
    "BGPLATFORM_LAUNCHER",
    "DJANGO_SETTINGS_MODULE",
    "LOCAL_RANK",
    "PATH",
    "RANK",
    "WORLD_SIZE",
    "XDG_CACHE_HOME",
}


def documented() -> dict[str, str]:
    """Returns the variables of the tables with their documented defaults."""
    rows = re.findall(
        r"^\| `([A-Z0-9_]+)` \| (.*?) \|", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE
    )
    assert len(rows) == len(dict(rows)), "a variable stands there twice"
    return dict(rows)


def calls(path: Path) -> Iterator[ast.Call]:
    """Yields every call in a file that reads an environment variable."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        function = node.func
        owner = function.value if isinstance(function, ast.Attribute) else function
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if name in READERS | {"environ"}:
            yield node


def variable(call: ast.Call) -> str | None:
    """Returns the variable's name in a call, where it is a literal."""
    first = call.args[0]
    known = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return str(first.value) if known and re.fullmatch("[A-Z][A-Z0-9_]+", str(first.value)) else None  # type: ignore[attr-defined]


def read() -> set[str]:
    """Returns every variable that the code or the Procfile reads."""
    found: set[str] = set()
    for room in ("bgplatform", "common", "segmentation", "accounts", "jobs"):
        for path in (ROOT / room).rglob("*.py"):
            found |= {name for call in calls(path) if (name := variable(call))}
            found |= set(re.findall(r'environ\["([A-Z_]+)"\]', path.read_text()))
            found |= set(re.findall(r'\b(?:given|values)\.(?:get|setdefault)\("([A-Z_]+)"', path.read_text()))
    return found | set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "Procfile").read_text()))


def written_default(call: ast.Call) -> str | None:
    """Returns a default as the table writes it, where the code has a literal."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "default"] or call.args[1:2]
    try:
        value = eval(compile(ast.Expression(given[0]), "", "eval"), {"__builtins__": {}})  # noqa: S307  # our own source
    except (IndexError, NameError):
        return None
    if isinstance(value, list):
        value = ",".join(value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else "empty"


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    assert documented().keys() == read() - OURS


def test_plain_defaults_are_the_documented_ones() -> None:
    table = documented()
    for call in calls(ROOT / "bgplatform" / "settings.py"):
        name, default = variable(call), written_default(call)
        if name and default:
            assert table[name] == default, name

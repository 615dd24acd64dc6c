"""Links, paths and make targets in the documentation exist, and the list of decisions is complete."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = {page: page.read_text() for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])}
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)#?([^)\s]*)\)")
NAMED = re.compile(r"\bdocs/(?:decisions/\d{4}|[\w/-]+\.md)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")


def tracked() -> set[str]:
    """Every file that git tracks or would track, and every folder above one."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()]
    return {str(path) for file in files for path in (file, *file.parents)}


def code_of(text: str) -> str:
    """All parts of a page that are marked as code."""
    return "\n".join([*CODE.findall(text), *(line for line in text.splitlines() if line.startswith("    "))])


def wrong(find: Callable[[Path, str], Iterable[str]]) -> dict[str, list[str]]:
    """By page what `find` reports for it."""
    found = {str(page.relative_to(ROOT)): list(find(page, text)) for page, text in PAGES.items()}
    return {page: names for page, names in found.items() if names}


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get from a Markdown renderer."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_links_lead_to_files_and_headings() -> None:
    def dead(page: Path, text: str) -> Iterable[str]:
        for to, anchor in LINK.findall(text):
            target = page.parent / to if to else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                yield f"{to}#{anchor}"

    assert len(PAGES) > 30
    assert wrong(dead) == {}


def test_pages_named_in_code_exist() -> None:
    """Code may name a decision by its number alone."""
    listed = [path for path in tracked() if path.endswith((".py", ".html"))]
    named = {name for path in listed for name in NAMED.findall((ROOT / path).read_text())}
    pages = [str(page.relative_to(ROOT)) for page in PAGES]
    assert len(named) > 10
    assert [name for name in sorted(named) if not any(page.startswith(name) for page in pages)] == []


def test_paths_of_the_tree_exist() -> None:
    known = tracked()
    folders = "|".join(name for name in known if "/" not in name and name != "." and (ROOT / name).is_dir())
    path = re.compile(rf"(?:{folders})/[A-Za-z0-9_./-]*")

    def missing(_: Path, text: str) -> Iterable[str]:
        named = [found[0].rstrip("/.") for code in CODE.findall(text) if (found := path.match(code))]
        return (name for name in named if name not in known)

    assert wrong(missing) == {}


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert (
        wrong(lambda _, text: (name for name in TARGET.findall(code_of(text)) if name not in targets)) == {}
    )


def test_every_decision_is_in_the_list_with_its_number() -> None:
    index = PAGES[DECISIONS / "README.md"]
    listed = re.findall(r"^(\d+)\. \[[^\]]+\]\(((\d{4})-[^)]+)\)$", index, re.MULTILINE)
    assert [file for _, file, _ in listed] == sorted(path.name for path in DECISIONS.glob("0*.md"))
    for number, file, four in listed:
        assert int(four) == int(number)
        assert PAGES[DECISIONS / file].startswith(f"# {number}. ")

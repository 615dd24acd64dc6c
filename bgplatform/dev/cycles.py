"""Finds import cycles: a step of `make lint`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Final

import grimp

PACKAGES: Final = ("common", "accounts", "jobs", "segmentation", "bgplatform")
# Modules that import each other, at most. Imports for types alone do not count.
MOST: Final = 3


def imports() -> dict[str, set[str]]:
    """What each module of ours imports of ours, also inside functions."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def cycles(imported: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The sets of modules that import each other (strongly connected components), the largest first."""
    # Kosaraju: walk the graph, then walk it backwards in the order of finishing.
    back: dict[str, set[str]] = {module: set() for module in imported}
    for module, others in imported.items():
        for other in others:
            back.setdefault(other, set()).add(module)
    order = _finished(imported)
    seen: set[str] = set()
    found = []
    for module in reversed(order):
        if module not in seen:
            component = _reach(module, back, seen)
            if len(component) > 1:
                found.append(sorted(component))
    return sorted(found, key=lambda one: (-len(one), one))


def _finished(imported: Mapping[str, Iterable[str]]) -> list[str]:
    """Modules in the order in which a depth-first walk leaves them."""
    order: list[str] = []
    seen: set[str] = set()
    for start in sorted(imported):
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(sorted(imported[start])))]
        while stack:
            module, rest = stack[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                order.append(module)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(sorted(imported.get(following, ())))))
    return order


def _reach(start: str, edges: Mapping[str, Iterable[str]], seen: set[str]) -> list[str]:
    """All that can be reached from `start` and was not seen."""
    seen.add(start)
    found, waiting = [start], [start]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                found.append(other)
                waiting.append(other)
    return found


def main() -> int:
    """Print the largest cycle. Returns 1 where it is larger than MOST."""
    found = cycles(imports())
    largest = found[0] if found else []
    sys.stdout.write(f"largest import cycle: {len(largest)} modules {' '.join(largest)}\n")
    return 1 if len(largest) > MOST else 0


if __name__ == "__main__":
    sys.exit(main())

"""Every kind of file that the store holds, and which addresses of the site hand it out to whom."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Final
from uuid import UUID

from jobs import storage

# Not by its name in the package: that is a function there.
keys = import_module("jobs.storage.keys")

DIGEST: Final = "ab" * 32


@dataclass(frozen=True)
class Kind:
    """owner, staff: the addresses that hand it out to them; nobody else gets it from anywhere."""

    owner: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()


# By the function that names such a file. What the API hands out stands with the API's tests.
KINDS: Final[dict[str, Kind]] = {
    "incoming_key": Kind(),
    "source_key": Kind(owner=frozenset({"jobs:source"})),
    "thumb_key": Kind(owner=frozenset({"jobs:thumb"}), staff=frozenset({"admin:jobs_picture_thumb"})),
    "matte_key": Kind(),
    "rendition_key": Kind(owner=frozenset({"jobs:result", "jobs:zip", "jobs:selected_download"})),
    "preview_key": Kind(owner=frozenset({"jobs:preview"}), staff=frozenset({"admin:jobs_picture_preview"})),
    "backdrop_key": Kind(),
    "improvement_key": Kind(staff=frozenset({"admin:jobs_improvement_file"})),
}


def there_are() -> set[str]:
    """Every function that names a file."""
    return {name for name in vars(keys) if name.endswith("_key")}


def key_of(kind: str, owner: UUID) -> str:
    """A key of that kind."""
    arguments = {
        "matte_key": (1,),
        "rendition_key": (1, DIGEST, "png"),
        "preview_key": (1, DIGEST),
    }
    return str(getattr(keys, kind)(owner, *arguments.get(kind, ())))


def mark(key: str) -> bytes:
    """Put bytes under a key that stand nowhere else; they are returned."""
    content = f"marked bytes of {key}".encode()
    storage.write(key, content)
    return content

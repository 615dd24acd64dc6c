"""Every kind of file in the store, and which URLs serve it to whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Final
from uuid import UUID

from jobs import storage

# Imported by path, because the package exports a function of that name.
keys = import_module("jobs.storage.keys")

DIGEST: Final = "ab" * 32


@dataclass(frozen=True)
class Kind:
    """owner, staff: the URLs that serve the file to them. link: those that serve it to whoever has a share's
    link. Nobody else gets it from any URL.
    """

    owner: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    link: frozenset[str] = frozenset()


# By the function that builds the file's key. The API's downloads are in the API's tests.
KINDS: Final[dict[str, Kind]] = {
    "incoming_key": Kind(),
    "source_key": Kind(owner=frozenset({"jobs:source"})),
    "thumb_key": Kind(
        owner=frozenset({"jobs:thumb"}),
        staff=frozenset({"admin:jobs_picture_thumb", "admin:jobs_case_image"}),
    ),
    "matte_key": Kind(),
    "rendition_key": Kind(
        owner=frozenset({"jobs:result", "jobs:zip", "jobs:selected_download"}),
        link=frozenset({"jobs:shared_file", "jobs:shared_zip"}),
    ),
    "preview_key": Kind(
        owner=frozenset({"jobs:preview"}),
        staff=frozenset({"admin:jobs_picture_preview", "admin:jobs_case_image"}),
        link=frozenset({"jobs:shared_preview"}),
    ),
    "backdrop_key": Kind(),
    "erasure_key": Kind(),
    "export_key": Kind(owner=frozenset({"jobs:export_file"})),
    "improvement_key": Kind(staff=frozenset({"admin:jobs_improvement_file"})),
}


def there_are() -> set[str]:
    """Returns the names of all functions that build a key."""
    return {name for name in vars(keys) if name.endswith("_key")}


def key_of(kind: str, owner: UUID) -> str:
    """Returns a key of that kind."""
    arguments = {
        "erasure_key": (datetime(2026, 1, 1, tzinfo=UTC),),
        "export_key": (1,),
        "matte_key": (1,),
        "rendition_key": (1, DIGEST, "png"),
        "preview_key": (1, DIGEST),
    }
    return str(getattr(keys, kind)(owner, *arguments.get(kind, ())))


def mark(key: str) -> bytes:
    """Store unique bytes under a key and return them."""
    content = f"marked bytes of {key}".encode()
    storage.write(key, content)
    return content

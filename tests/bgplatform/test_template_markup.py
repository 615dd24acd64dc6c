"""The markup of templates: browsers skip the next element after a closing tag that lacks its `>`."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

UNFINISHED_CLOSING_TAG = re.compile(r"</[a-z][a-z0-9]*(?!\s*>|[a-z0-9-])")


def test_every_closing_tag_ends_with_a_bracket() -> None:
    templates = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
    unfinished = [
        f"{path.name}:{number}: {line.strip()}"
        for path in templates
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if UNFINISHED_CLOSING_TAG.search(line)
    ]
    assert templates
    assert not unfinished

"""Recorded requests and responses of rembg's server, in `rembg-2.0.86.json`.

To record another version, start its server (`rembg s --no-ui --port 7000`), then run `python -m
tests.jobs.compat.recorded http://127.0.0.1:7000 2.0.87`.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

FILE = Path(__file__).with_name("rembg-2.0.86.json")
# Nothing is downloaded from there: a request that fails at this URL has passed the validation of its
# parameters.
NOWHERE = "ftp://example.org/a.jpg"
NUMBERS = (
    "0", "255", "256", "-1", "+5", "007", "1.0", "1.00", "1.", ".5", "1.5", "1e2", "0x10", "1_0", "1__0",
    "_1", " 7", "1 ", "", "x", "--1", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 30,
)  # fmt: skip
FLAGS = ("true", "TRUE", "t", "Yes", "on", "1", "0", "N", "oFf", "f", "2", "maybe", "", " true", "1.0")


def cases() -> list[dict[str, Any]]:
    """Each case is a query; for a POST also the form's fields, and whether it includes the file."""
    found: list[dict[str, Any]] = [{"query": {}}, {"query": {"a": "maybe", "model": "zzz", "af": "300"}}]
    found += [{"query": {"url": NOWHERE, "af": value}} for value in NUMBERS]
    found += [{"query": {"url": NOWHERE, "ae": value}} for value in ("-1", "9" * 30, "1000001")]
    found += [{"query": {"url": NOWHERE, name: value}} for name in ("a", "dc") for value in FLAGS]
    found += [{"query": {"url": NOWHERE, "model": value}} for value in ("u2net", "u2netp", "zzz", "")]
    found += [
        {"query": {"url": NOWHERE, "bgc": value}} for value in ("", "1,2,3", " 1, 2 ,3,4", "300,-5,0,255")
    ]
    found.append({"query": {"url": NOWHERE, "extras": "{"}})
    found += [
        {"query": {}, "form": {}, "file": False},
        {"query": {}, "form": {"model": "zzz", "vm": "x", "ab": "256", "om": "y"}, "file": False},
        {"query": {"a": "maybe", "af": "999", "model": "zzz"}, "form": {}, "file": False},
        {"query": {}, "form": {"a": "maybe", "ae": "-1"}, "file": True},
        {"query": {}, "form": {"a": "", "af": "", "dc": ""}, "file": False},
        {"query": {}, "form": {"bgc": "red", "extras": "{"}, "file": False},
    ]
    return found


def request(case: dict[str, Any], picture: Any) -> tuple[str, str, bytes, dict[str, str]]:
    """Method, URL, body and headers of a case; `picture` is the file, if it sends one."""
    address = "/api/remove" + ("?" + urlencode(case["query"], quote_via=quote) if case["query"] else "")
    if "form" not in case:
        return "GET", address, b"", {}
    form = {**case["form"], **({"file": picture} if case["file"] else {})}
    return "POST", address, encode_multipart(BOUNDARY, form), {"Content-Type": MULTIPART_CONTENT}


def _record(server: str) -> list[dict[str, Any]]:
    told = []
    for case in cases():
        method, address, content, headers = request(case, "not read: the parameters are wrong")
        asked = urllib.request.Request(server + address, content or None, headers, method=method)  # noqa: S310  # the loopback
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
                raise RuntimeError(f"{case} was accepted: {answer.status}")
        except urllib.error.HTTPError as error:
            told.append({**case, "status": error.code, "detail": json.loads(error.read())["detail"]})
    return told


def main() -> None:
    """Records all cases again."""
    from django.conf import settings

    settings.configure(DEFAULT_CHARSET="utf-8")
    server, version = sys.argv[1:]
    lines = ",\n".join(json.dumps(one, sort_keys=True) for one in _record(server))
    FILE.with_name(f"rembg-{version}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

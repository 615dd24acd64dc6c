"""The OpenAPI schema: committed, complete, and shown by a page that our own policy allows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from jobs.api import site_urls, urls

COMMITTED = Path(__file__).resolve().parents[3] / "docs" / "api" / "openapi.yaml"
AGAIN = "run `make schema` and look at what changed"


@pytest.fixture(scope="module")
def schema() -> Any:
    return SchemaGenerator(urlconf=site_urls).get_schema(public=True)


def test_the_committed_schema_is_current() -> None:
    served_now = Client().get(reverse("api-schema"))
    assert served_now.status_code == 200
    assert COMMITTED.read_bytes() == served_now.content, AGAIN


def test_the_schema_is_valid_openapi(schema: Any) -> None:
    validate_schema(schema)
    assert schema["openapi"] == "3.1.0"
    assert yaml.safe_load(COMMITTED.read_text())["paths"].keys() == schema["paths"].keys()


def test_every_operation_and_its_errors_are_in_the_schema(schema: Any) -> None:
    def shape(path: str) -> str:
        return re.sub(r"<\w+:(\w+)>|{(\w+)}", "{}", path)

    known = {shape(path) for path in schema["paths"]}
    assert known == {shape(f"/api/v1/{pattern.pattern}") for pattern in urls.urlpatterns}
    names = [
        operation["operationId"] for methods in schema["paths"].values() for operation in methods.values()
    ]
    assert len(names) == len(set(names))
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys(), (path, method)
            assert operation["summary"]
            assert operation["tags"] != ["api"]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("address", ["/api", "/api/"])
def test_rembg_health_checks_find_the_documentation(address: str, method: str) -> None:
    """`curl -f http://localhost:7000/api`, as in rembg users' compose files: no redirect, no sign-in."""
    for accept in ("*/*", "application/json"):
        answer = getattr(Client(), method)(address, headers={"Accept": accept})
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    if method == "get":
        page = answer.content.decode()
        assert "swagger-ui" in page
        script = re.findall(r'src="([^"]+)"', page)[-1].replace("&amp;", "&")
        assert reverse("api-schema") in Client().get(script).content.decode()


def test_the_page_runs_under_our_policy() -> None:
    """No inline script or style, nothing from another host."""
    answer = Client().get(reverse("api-docs"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|style=", page)
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) == 6
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    script = Client().get(sources[-1].replace("&amp;", "&"))
    assert script["Content-Type"].startswith("application/javascript")
    assert reverse("api-schema") in script.content.decode()

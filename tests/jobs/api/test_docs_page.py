"""The documentation page in a real browser, under our own Content Security Policy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.browser import ARGUMENTS, chromium

ROOT = Path(__file__).resolve().parents[3]

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def _sync_django(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright runs an event loop in this thread; Django's fixtures must be allowed to use the database
    there.
    """
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.mark.usefixtures("_sync_django")
def test_every_operation_is_shown_and_the_policy_blocks_nothing(live_server: Any) -> None:
    where = chromium()
    if where is None:
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=ARGUMENTS)
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{live_server.url}/api/docs/")
        page.locator(".opblock").first.wait_for(timeout=60_000)
        shown = page.locator(".opblock").count()
        page.locator(".opblock-summary").first.click()
        page.locator(".opblock-description-wrapper").first.wait_for()
        browser.close()
    assert shown == (ROOT / "docs/api/openapi.yaml").read_text().count("operationId:")
    assert said == []
    ours = ("data:", "blob:", live_server.url)
    assert [url for url in asked if not url.startswith(ours)] == []

"""The pages without JavaScript, on a phone, and checked for accessibility."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Files, Open
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PAGES = ["/", "/jobs/", "the sample job", "/account/tokens/", "/account/usage/", "/account/webhooks/"]
OUTSIDE = ["/account/login/", "/account/signup/", "/account/password/reset/"]


def go(page: Page, where: str) -> None:
    """Open an address, or the sample job by its link in the history."""
    if where.startswith("/"):
        page.goto(where)
        return
    page.goto("/jobs/")
    page.get_by_role("link", name="Sample photos", exact=True).last.click()
    expect(page.locator('.card[data-state="done"]')).to_have_count(3)


def sideways(page: Page) -> int:
    """Returns by how many pixels the page is wider than its window."""
    root = "document.documentElement"
    return int(page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


def findings(page: Page) -> list[str]:
    """Returns axe's findings on a page, one line each."""
    results = Axe().run(page)
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


def test_without_scripts(open_page: Open, photos: Files) -> None:
    page = open_page("/", java_script_enabled=False)
    page.locator("#pictures").set_input_files(photos[:2])
    page.get_by_role("button", name="Cut out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("astronaut.jpg and 1 more")

    def done() -> bool:
        page.reload()
        return page.locator('.card[data-state="done"]').count() == 2

    until(done, "both pictures are done", 60)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the cut-out of chelsea.png").click()
    assert downloading.value.suggested_filename == "chelsea.png"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", PAGES)
def test_axe_finds_nothing(open_page: Open, where: str, scheme: str) -> None:
    page = open_page("/", color_scheme=scheme)
    go(page, where)
    assert findings(page) == []


@pytest.mark.parametrize("where", OUTSIDE)
def test_axe_finds_nothing_before_the_sign_in(browser: Browser, stack: Stack, where: str) -> None:
    context = browser.new_context(base_url=stack.address)
    page = context.new_page()
    page.goto(where)
    assert findings(page) == []
    assert sideways(page) <= 0
    context.close()


@pytest.mark.parametrize("where", PAGES)
def test_no_page_scrolls_horizontally_on_a_phone(open_page: Open, where: str) -> None:
    page = open_page("/", **PHONE)
    go(page, where)
    assert sideways(page) <= 0


def test_a_batch_on_a_phone(open_page: Open, photos: Files) -> None:
    page = open_page("/", **PHONE)
    page.locator("#pictures").set_input_files(photos)
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(4)
    assert sideways(page) <= 0

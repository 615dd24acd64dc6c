"""Thumbs on the job page, without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Open

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def card_of(page: Page, number: int) -> Locator:
    return page.locator('.card[data-state="done"]').nth(number)


def thumb(card: Locator, name: str) -> Locator:
    return card.get_by_role("button", name=name, exact=True)


def test_without_scripts(open_page: Open) -> None:
    page = open_page("/jobs/", java_script_enabled=False)
    page.get_by_role("link", name="Sample photos", exact=True).last.click()
    card = card_of(page, 1)
    thumb(card, "Not good").click()
    expect(page).to_have_url(re.compile("#picture-"))
    hole = card.get_by_role("checkbox", name="There is a hole in it")
    hole.check()
    card.get_by_role("button", name="Send").click()
    page.reload()
    expect(thumb(card, "Not good")).to_have_attribute("aria-pressed", "true")
    card.locator("summary", has_text="What is wrong?").click()
    expect(hole).to_be_checked()

"""Thumbs on the job page: with scripts and without, on a phone, by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Open
from tests.e2e.test_every_way_in import PHONE, findings, go, sideways

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def card_of(page: Page, number: int) -> Locator:
    return page.locator('.card[data-state="done"]').nth(number)


def thumb(card: Locator, name: str) -> Locator:
    return card.get_by_role("button", name=name, exact=True)


def test_a_thumb_down_with_a_reason_stays(open_page: Open) -> None:
    page = open_page("/jobs/", **PHONE)
    go(page, "the sample job")
    # The page's modules have run by then; before, the thumbs are plain forms.
    page.wait_for_load_state("load")
    card = card_of(page, 0)
    with page.expect_download():
        card.get_by_role("link", name=re.compile("^Download the cut-out")).click()
    expect(card.locator("form[data-asked]")).to_be_visible()
    # By keyboard: the focus goes to the first reason.
    thumb(card, "Not good").focus()
    page.keyboard.press("Enter")
    hair = card.get_by_role("checkbox", name="Hair or fur is cut off")
    expect(hair).to_be_focused()
    page.keyboard.press("Space")
    card.get_by_label("In your words (optional)").fill("The curls are gone.")
    assert findings(page) == []
    assert sideways(page) <= 0
    card.get_by_role("button", name="Send").click()
    expect(card.locator("details.thumbs__why")).not_to_have_attribute("open", re.compile(".*"))

    page.reload()
    expect(thumb(card, "Not good")).to_have_attribute("aria-pressed", "true")
    card.get_by_text("What is wrong?", exact=False).first.click()
    expect(hair).to_be_checked()
    expect(card.get_by_label("In your words (optional)")).to_have_value("The curls are gone.")
    thumb(card, "Good").click()
    expect(thumb(card, "Good")).to_have_attribute("aria-pressed", "true")
    expect(thumb(card, "Not good")).to_have_attribute("aria-pressed", "false")
    expect(hair).to_have_count(0)
    thumb(card, "Good").click()
    expect(thumb(card, "Good")).to_have_attribute("aria-pressed", "false")


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

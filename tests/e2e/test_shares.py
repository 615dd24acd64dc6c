"""A share in a browser: made with a password on a desktop, opened by a visitor on a phone, revoked."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Open
from tests.e2e.test_every_way_in import PHONE, findings, go, sideways
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
PASSWORD = "open sesame"


def link_of(page: Page) -> str:
    return page.get_by_label("Link", exact=True).first.inner_text()


def check(page: Page) -> None:
    """The page fits on the phone, and axe finds nothing."""
    assert sideways(page) <= 0
    assert findings(page) == []


def test_a_share_from_the_job_page_to_a_phone_and_its_end(
    open_page: Open, browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    owner = open_page("/jobs/")
    go(owner, "the sample job")
    expect(owner.get_by_role("button", name="Share selected")).to_be_disabled()
    ticks = owner.get_by_role("checkbox", name=re.compile("^Select "))
    ticks.nth(0).check()
    ticks.nth(1).check()
    owner.get_by_role("button", name="Share selected (2)").click()
    expect(owner.get_by_role("heading", level=1)).to_have_text("Share by link")
    assert findings(owner) == []
    owner.get_by_label("Title").fill("For the shop")
    owner.get_by_label("Password").fill(PASSWORD)
    owner.get_by_label("Visitors may download the results").check()
    owner.get_by_role("button", name="Create the link").click()
    expect(owner.get_by_text("The link is ready.")).to_be_visible()
    assert findings(owner) == []
    link = link_of(owner)

    context = browser.new_context(base_url=stack.address, **PHONE)  # type: ignore[arg-type]
    visitor = context.new_page()
    errors: list[str] = []
    visitor.on("pageerror", lambda error: errors.append(str(error)))
    visitor.goto(link)
    check(visitor)
    visitor.get_by_label("Password").fill("not this one")
    visitor.get_by_role("button", name="Show the pictures").click()
    expect(visitor.get_by_text("This is not the password.")).to_be_visible()
    visitor.get_by_label("Password").fill(PASSWORD)
    visitor.get_by_role("button", name="Show the pictures").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("For the shop")
    expect(visitor.get_by_role("img", name="Picture 2")).to_be_visible()
    check(visitor)
    with visitor.expect_download() as downloading:
        visitor.get_by_role("link", name="Download all (ZIP)").click()
    downloading.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as files:
        assert [name.partition(".")[0] for name in files.namelist()] == ["picture-0001", "picture-0002"]

    visitor.get_by_role("link", name="Picture 1", exact=True).click()
    expect(visitor.get_by_text("1 of 2")).to_be_visible()
    image = visitor.get_by_role("img", name="Picture 1")
    visitor.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    visitor.get_by_role("radio", name="Black").check()
    check(visitor)
    visitor.keyboard.press("Tab")  # away from the radio button, which uses the arrow keys itself
    visitor.keyboard.press("ArrowRight")
    expect(visitor.get_by_text("2 of 2")).to_be_visible()
    expect(visitor.get_by_role("radio", name="Black")).to_be_checked()
    visitor.evaluate(SWIPE_RIGHT)
    expect(visitor.get_by_text("1 of 2")).to_be_visible()
    with visitor.expect_download() as downloading:
        visitor.get_by_role("link", name="Download", exact=True).click()
    assert downloading.value.suggested_filename.startswith("picture-0001.")
    downloading.value.save_as(tmp_path / "one")
    with Image.open(io.BytesIO((tmp_path / "one").read_bytes())) as result:
        assert min(result.size) > 0
    visitor.get_by_role("link", name="All pictures").click()
    visitor.get_by_role("link", name="Report these pictures").click()
    check(visitor)
    visitor.get_by_label("It belongs to somebody else").check()
    visitor.get_by_role("button", name="Send the report").click()
    expect(visitor.get_by_text("A moderator will look at it.")).to_be_visible()

    owner.reload()
    share = owner.locator(".token", has_text="For the shop")
    expect(share).to_contain_text(re.compile(r"Visits\s*1\b"))
    expect(share).to_contain_text(re.compile(r"Downloads\s*2\b"))
    share.get_by_text("Revoke For the shop").click()
    share.get_by_role("button", name="Revoke the link").click()
    expect(owner.get_by_text("The link no longer works.")).to_be_visible()
    visitor.goto(link)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("This link does not work")
    check(visitor)
    context.close()
    assert errors == []


# Playwright has no swipe: dispatch what a finger does.
SWIPE_RIGHT = """() => {
  const media = document.querySelector(".share-viewer__media");
  const at = (x) => new Touch({ identifier: 1, target: media, clientX: x, clientY: 300 });
  media.dispatchEvent(new TouchEvent("touchstart", { touches: [at(80)], changedTouches: [at(80)] }));
  media.dispatchEvent(new TouchEvent("touchend", { touches: [], changedTouches: [at(280)] }));
}"""

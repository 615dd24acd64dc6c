"""Staff invite somebody, who opens the link in the mail and arrives in the studio."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Open
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
GUEST, PASSWORD = "guest-invited@example.org", "the guest has this password"


@pytest.fixture
def guest(stack: Stack, browser: Browser) -> Iterator[Page]:
    """A page in the browser of the invited person."""
    context = browser.new_context(base_url=stack.address)
    yield context.new_page()
    context.close()


def link(stack: Stack) -> str:
    """Waits for the link in the mail, which goes to the log."""
    pattern = rf"{re.escape(stack.address)}(account/invitation/[^\s\"<]+)"
    return "/" + until(lambda: re.findall(pattern, stack.output()), "the mail with the invitation")[-1]


def test_an_invited_person_arrives_in_the_studio(stack: Stack, open_page: Open, guest: Page) -> None:
    staff = open_page("/admin/accounts/invitation/add/")
    staff.get_by_label("E-mail addresses").fill(f"{GUEST}\n{stack.sign_in.email}")
    staff.get_by_role("button", name="Send the invitations").click()
    expect(staff.get_by_text(f"Invited: {GUEST}.")).to_be_visible()
    expect(staff.get_by_text(f"Nothing was sent: {stack.sign_in.email}.")).to_be_visible()
    row = staff.get_by_role("row", name=GUEST)
    expect(row.get_by_text("sent", exact=True)).to_be_visible()

    address = link(stack)
    guest.goto(address)
    expect(guest.get_by_text(GUEST)).to_be_visible()
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_label("Password (again)").fill(PASSWORD)
    guest.get_by_role("button", name="Create the account").click()
    expect(guest.get_by_role("heading", level=1)).to_have_text("Remove backgrounds")
    expect(guest.locator(".menu__who")).to_have_text(f"Signed in as {GUEST}")
    guest.goto(address)
    expect(guest.get_by_role("heading", level=1)).to_have_text("This link does not work")

    staff.reload()
    expect(row.get_by_text("accepted", exact=True)).to_be_visible()

"""Your data in a browser: make an export, download it, erase the account; signing in no longer works."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import SAMPLES, Open
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
EMAIL, PASSWORD = "leaving@example.org", "correct horse battery staple"
CREATE = f"from accounts.models import User; User.objects.create_user({EMAIL!r}, {PASSWORD!r})"


def numbers(stack: Stack) -> list[object]:
    """The account's number, as long as the account exists."""
    return [pk for pk, email in stack.rows("SELECT id, email FROM accounts_user") if email == EMAIL]


def test_export_then_erase(open_page: Open, stack: Stack, tmp_path: Path) -> None:
    stack.manage("shell", "-c", CREATE)
    [number] = numbers(stack)
    # The wrong address in the form is answered with a 400.
    page = open_page("/account/login/", tolerated="400", storage_state=None)

    def sign_in() -> None:
        page.get_by_label("Email").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.locator("main").get_by_role("button", name="Sign in", exact=True).click()

    def confirm() -> None:
        if "/reauthenticate/" in page.url:
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Continue").click()

    sign_in()
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove backgrounds")
    page.locator("#pictures").set_input_files(SAMPLES / "astronaut.jpg")
    finished = "SELECT user_id FROM jobs_picture WHERE state = 'done'"
    until(lambda: (number,) in stack.rows(finished), "the picture is done")

    page.goto("/account/data/")
    page.get_by_role("button", name="Make an export").click()
    confirm()
    link = page.get_by_role("link", name="Download the export")
    expect(link).to_be_visible()
    with page.expect_download() as download:
        link.click()
    kept = tmp_path / "export.zip"
    download.value.save_as(kept)
    with zipfile.ZipFile(kept) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert {"README.txt", "files.csv", "records/accounts.user.jsonl"} <= set(names)
    folders = [name.split("/")[2] for name in names if name.startswith("jobs/")]
    assert folders == ["sources", "mattes", "results"]

    page.get_by_label("At once").check()
    page.get_by_label("To confirm").fill("somebody@example.org")
    page.get_by_role("button", name="Erase the account").click()
    confirm()
    expect(page.get_by_text("This is not the address of your account")).to_be_visible()
    page.get_by_label("At once").check()
    page.get_by_label("To confirm").fill(EMAIL)
    page.get_by_role("button", name="Erase the account").click()
    expect(page.get_by_text("Your account is closed and is being erased")).to_be_visible()
    receipts = "SELECT account FROM accounts_erasure WHERE state = 'done'"
    until(lambda: (number,) in stack.rows(receipts), "the account is erased")
    assert numbers(stack) == []
    assert stack.rows(finished) == [row for row in stack.rows(finished) if row != (number,)]
    files = [path.name for path in (stack.state.folder / "files" / "exports").rglob("*") if path.is_file()]
    assert files == []
    sign_in()
    expect(page).to_have_url(re.compile("/account/login/"))
    expect(page.get_by_role("alert").or_(page.locator(".errorlist")).first).to_be_visible()

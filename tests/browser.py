"""The system's Chromium, and signing in with it."""

from __future__ import annotations

import re
import shutil

from playwright.sync_api import Page, expect

from tests.stack import Stack

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Returns the path of Chromium under its usual names; None where it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def sign_in(page: Page, stack: Stack) -> None:
    """Open the site, sign in, and arrive at the studio."""
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/account/login/"))
    page.get_by_label("Email").fill(stack.sign_in.email)
    page.get_by_label("Password").fill(stack.sign_in.password)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove backgrounds")

"""From an empty account to a second factor of each kind, signing in with each, and ending another session."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.test_take_over import link, sign_up, signed_in_as
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EMAIL, PASSWORD = "flora-factors@example.org", "flora has this long password"
PERIOD = 30
Person = Callable[[], Page]


@pytest.fixture
def person(stack: Stack, browser: Browser) -> Iterator[Person]:
    """Opens a browser of its own for each person, by name: a numeric address has no passkeys."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_it() -> Page:
        context = browser.new_context(base_url=f"http://localhost:{urlsplit(stack.address).port}")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []


def passkey_device(page: Page) -> None:
    """Gives the page's browser a device that keeps passkeys and always agrees."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def code(secret: str, later: int = 0) -> str:
    """Returns the app's code of now, or of some periods later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD + later))


def give_password(page: Page) -> None:
    page.goto("/account/login/")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Second step")


def give_code(page: Page, text: str) -> None:
    page.get_by_label("Code from your app, or a recovery code").fill(text)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.goto("/account/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/account/login/"))


def test_second_factors_from_an_empty_account(stack: Stack, person: Person) -> None:
    page = person()
    sign_up(page, EMAIL, PASSWORD)
    page.goto(link(stack, EMAIL, "signup/confirm"))
    page.get_by_role("button", name="Create the account").click()
    signed_in_as(page, EMAIL)

    # The app: the page asks for the password first, and shows the recovery codes afterwards.
    page.goto("/account/2fa/")
    page.get_by_role("link", name="Add an app").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("You cannot scan it?").click()
    secret = page.get_by_label("Secret", exact=True).inner_text()
    page.get_by_label("Authenticator code").fill("000000" if code(secret) != "000000" else "000001")
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_text("Incorrect code.")).to_be_visible()
    page.get_by_label("Authenticator code").fill(code(secret))
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_role("heading", name="Save these codes now")).to_be_visible()
    codes = page.get_by_label("Codes", exact=True).inner_text().split()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have saved them").click()
    expect(page.get_by_text("10 codes are left.")).to_be_visible()

    # The passkey.
    passkey_device(page)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="My laptop")).to_be_visible()
    expect(page.get_by_text("Signs in without a password")).to_be_visible()

    # Signing in with each of them.
    sign_out(page)
    give_password(page)
    give_code(page, code(secret))
    signed_in_as(page, EMAIL)
    sign_out(page)
    give_password(page)
    page.get_by_role("button", name="Use a passkey").click()
    signed_in_as(page, EMAIL)
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    signed_in_as(page, EMAIL)
    other = person()
    give_password(other)
    give_code(other, codes[0])
    signed_in_as(other, EMAIL)

    # Each sees the other's session; one ends the other's.
    page.goto("/account/sessions/")
    expect(page.get_by_role("heading", name="Chrome on Linux")).to_have_count(2)
    page.get_by_role("button", name="Sign out there").click()
    expect(page.get_by_text("That session is signed out.")).to_be_visible()
    expect(page.get_by_role("heading", name="Chrome on Linux")).to_have_count(1)
    other.goto("/jobs/")
    expect(other).to_have_url(re.compile("/account/login/"))
    page.goto("/account/2fa/")
    expect(page.get_by_text("9 codes are left.")).to_be_visible()

    # The account's activity tells it, and so do the mails.
    page.goto("/account/activity/")
    for entry in (
        "Second factor added",
        "Recovery codes created",
        "Recovery code used",
        "Signed in with a passkey",
        "Signed out elsewhere",
    ):
        expect(page.get_by_role("cell", name=entry, exact=True).first).to_be_visible()
    log = stack.output()
    for subject in (
        "An authenticator app was added",
        "A passkey was added",
        "A recovery code was used",
    ):
        assert f"Subject: [bgplatform] {subject}" in log, subject

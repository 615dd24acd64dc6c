"""Eve claims Bea's address: both sides in a real browser, with their e-mails."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EVE, BEA = "eve-takes@example.org", "bea-owns@example.org"
OF_EVE, OF_BEA, NEW = "eve has this long password", "bea has this long password", "bea has a newer password"
Person = Callable[[], Page]


@pytest.fixture
def person(stack: Stack, browser: Browser) -> Iterator[Person]:
    """Opens a separate browser for each person."""
    contexts: list[BrowserContext] = []

    def open_it() -> Page:
        contexts.append(browser.new_context(base_url=stack.address))
        return contexts[-1].new_page()

    yield open_it
    for context in contexts:
        context.close()


def mails(stack: Stack, to: str) -> list[str]:
    """Returns the e-mails to an address from the log, oldest first."""
    parts = re.split(r"(?=Subject: )", stack.output())
    return [part for part in parts if re.search(rf"^.*To: {re.escape(to)}\s*$", part, re.MULTILINE)]


def link(stack: Stack, to: str, kind: str) -> str:
    """Waits for the newest link of a kind in the e-mails to an address."""
    pattern = rf"{re.escape(stack.address)}(account/{kind}/[^\s\"<]+)"

    def newest() -> str:
        found = [path for text in mails(stack, to) for path in re.findall(pattern, text)]
        return f"/{found[-1]}" if found else ""

    return until(newest, f"a mail with a link of {kind} to {to}", 30)


def sign_up(page: Page, email: str, password: str) -> None:
    page.goto("/account/signup/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password (again)").fill(password)
    page.get_by_role("button", name="Create an account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/account/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()


def signed_in_as(page: Page, email: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove backgrounds")
    expect(page.locator(".menu__who")).to_have_text(f"Signed in as {email}")


def make_token(page: Page) -> str:
    page.goto("/account/tokens/")
    page.get_by_label("Name").fill("a program")
    page.get_by_role("button", name="Create the token").click()
    return page.get_by_label("Secret", exact=True).inner_text()


def account_of(stack: Stack, secret: str) -> str:
    """Returns the account of a token, or the error code where it is refused."""
    request = urllib.request.Request(  # noqa: S310  # our own site on the loopback
        f"{stack.address}api/v1/account/", headers={"Authorization": f"Token {secret}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return str(json.loads(answer.read())["email"])
    except urllib.error.HTTPError as error:
        return str(json.loads(error.read())["code"])


def test_eve_claims_beas_address_and_gets_nothing(stack: Stack, person: Person) -> None:
    # Eve signs up with her own address, creates a token, and requests a change to Bea's address.
    eve = person()
    sign_up(eve, EVE, OF_EVE)
    expect(eve.get_by_text("This site has no mail server")).to_be_visible()
    eve.goto(link(stack, EVE, "signup/confirm"))
    eve.get_by_role("button", name="Create the account").click()
    signed_in_as(eve, EVE)
    secret = make_token(eve)
    assert account_of(stack, secret) == EVE
    eve.goto("/account/email/")
    eve.get_by_label("New address").fill(BEA)
    eve.get_by_role("button", name="Send a confirmation link").click()
    eve.get_by_label("Password").fill(OF_EVE)
    eve.get_by_role("button", name="Continue").click()
    expect(eve.get_by_role("heading", name="Your new address")).to_be_visible()
    expect(eve.get_by_text("in the server's log")).to_be_visible()

    # Bea finds Eve's link in her e-mail. It asks for the password of Eve's account, so nothing happens.
    bea = person()
    bea.goto(link(stack, BEA, "confirm-email"))
    expect(bea.get_by_text(EVE)).to_be_visible()
    bea.get_by_label("Password of the account").fill("a guess of hers")
    bea.get_by_role("button", name="Yes, confirm it").click()
    expect(bea.get_by_text("Incorrect password.")).to_be_visible()

    # No reset goes to an address that is merely claimed.
    bea.goto("/account/password/reset/")
    bea.get_by_label("Email").fill(BEA)
    bea.get_by_role("button", name="Send the link").click()
    expect(bea.get_by_role("heading", level=1)).to_have_text("Check your mail")
    until(lambda: any("No account with this address" in text for text in mails(stack, BEA)), "the mail", 30)
    assert not any("password/reset/key" in text for text in mails(stack, BEA))

    # Eve also signs up with Bea's address. Bea opens that link and chooses the password.
    again = person()
    sign_up(again, BEA, OF_EVE)
    bea.goto(link(stack, BEA, "signup/confirm"))
    bea.get_by_label("Password", exact=True).fill(OF_BEA)
    bea.get_by_label("Password (again)").fill(OF_BEA)
    bea.get_by_role("button", name="Create the account").click()
    signed_in_as(bea, BEA)
    own = make_token(bea)
    assert account_of(stack, own) == BEA
    sign_in(again, BEA, OF_EVE)
    expect(again.get_by_text("are not correct")).to_be_visible()

    # Eve's request is gone, her account is unchanged, and her token opens only her own account.
    eve.goto("/account/email/")
    expect(eve.get_by_role("heading", name="Your new address")).to_have_count(0)
    expect(eve.locator("main").get_by_text(EVE)).to_be_visible()
    assert account_of(stack, secret) == EVE

    # Somebody has Bea's password: she resets it, which ends the session and the token.
    elsewhere = person()
    sign_in(elsewhere, BEA, OF_BEA)
    signed_in_as(elsewhere, BEA)
    anew = person()
    anew.goto("/account/password/reset/")
    anew.get_by_label("Email").fill(EVE)
    anew.get_by_role("button", name="Send the link").click()
    expect(anew.get_by_role("heading", level=1)).to_have_text("Check your mail")
    assert link(stack, EVE, "password/reset/key")
    assert not any("password/reset/key" in text for text in mails(stack, BEA)), "a mail for Eve's account"
    bea.goto("/account/password/change/")
    bea.get_by_label("Current Password").fill(OF_BEA)
    bea.get_by_label("New Password", exact=True).fill(NEW)
    bea.get_by_label("New Password (again)").fill(NEW)
    bea.get_by_label("Revoke my API tokens, too").check()
    bea.get_by_role("button", name="Save the password").click()
    expect(bea.get_by_text("1 API token is revoked.")).to_be_visible()
    assert account_of(stack, own) == "revoked_token"
    elsewhere.goto("/jobs/")
    expect(elsewhere).to_have_url(re.compile("/account/login/"))
    bea.goto("/jobs/")
    expect(bea).to_have_url(re.compile("/jobs/$"))

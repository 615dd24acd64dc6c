"""Signing in by single sign-on: a browser, the platform, and a real OpenID provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from bgplatform.local import ports
from tests import identity_provider
from tests.identity_provider import CLIENT, SECRET, Provider
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The platform with a provider, in an empty folder."""
    port = ports.any_free()
    callback = f"http://127.0.0.1:{port}/account/oidc/sso/login/callback/"
    with (
        Provider(callback) as provider,
        Stack(
            tmp_path_factory.mktemp("single-sign-on"),
            PORT=str(port),
            OIDC_ISSUER=provider.issuer,
            OIDC_CLIENT_ID=CLIENT,
            OIDC_CLIENT_SECRET=SECRET,
            OIDC_NAME="Example Corp",
        ) as running,
    ):
        yield running


@pytest.fixture
def visit(site: Stack, browser: Browser) -> Iterator[Callable[[], Page]]:
    """Opens a browser of its own for each visit. No page of ours may violate its content security policy."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_it() -> Page:
        contexts.append(browser.new_context(base_url=site.address))
        page = contexts[-1].new_page()

        def note(message: ConsoleMessage) -> None:
            # The provider's own pages are not ours to judge.
            if message.type == "error" and message.location["url"].startswith(site.address):
                errors.append(message.text)

        page.on("console", note)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert [text for text in errors if "Content Security Policy" in text] == []


def sign_on(page: Page, name: str) -> None:
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with Example Corp").click()
    page.locator('[name="login"]').fill(name)
    page.locator('[name="login"]').press("Enter")
    page.locator('[name="password"]').fill(identity_provider.PASSWORD)
    page.locator('[name="password"]').press("Enter")


def test_people_of_the_provider_sign_in(site: Stack, visit: Callable[[], Page], tmp_path: Path) -> None:
    first = visit()
    sign_on(first, "bea")
    expect(first.get_by_role("heading", level=1)).to_have_text("Remove backgrounds")
    expect(first.locator(".menu__who")).to_contain_text("bea@example.org")
    again = visit()
    sign_on(again, "bea")
    expect(again.locator(".menu__who")).to_contain_text("bea@example.org")
    owners = "SELECT email FROM accounts_user JOIN socialaccount_socialaccount ON user_id = accounts_user.id"
    assert site.rows(owners) == [("bea@example.org",)]

    # Ada signs in first. Eve, who entered Ada's address at the provider, does not get her account.
    ada = visit()
    sign_on(ada, "ada")
    expect(ada.locator(".menu__who")).to_contain_text("ada@example.org")
    eve = visit()
    sign_on(eve, "eve")
    expect(eve.get_by_role("heading", level=1)).to_have_text("Your new account")
    eve.get_by_role("button", name="Send the link").click()
    expect(eve.get_by_role("heading", level=1)).to_have_text("Check your mail")
    eve.goto("/jobs/")
    expect(eve.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert sorted(site.rows(owners)) == [("ada@example.org",), ("bea@example.org",)]

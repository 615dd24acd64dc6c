"""A token's life in a browser without JavaScript, and an API client that uses it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def ask(stack: Stack, secret: str) -> tuple[int, str]:
    """Returns the status of an API request, and the code of an error."""
    request = urllib.request.Request(  # noqa: S310  # our own site on the loopback
        f"{stack.address}api/v1/account/", headers={"Authorization": f"Token {secret}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, str(json.loads(error.read())["code"])


def secret_on(page: Page) -> str:
    return page.get_by_label("Secret", exact=True).inner_text()


def test_a_token_is_created_used_rotated_and_revoked_without_scripts(open_page: Open, stack: Stack) -> None:
    page = open_page("/account/tokens/", java_script_enabled=False)
    page.get_by_label("Name").fill("My program")
    page.get_by_role("button", name="Create the token").click()
    first = secret_on(page)
    assert ask(stack, first) == (200, "")
    page.goto("/account/tokens/")
    expect(page.get_by_text(first)).to_have_count(0)
    expect(page.get_by_text("from 127.0.0.1")).to_be_visible()
    page.get_by_text("Rotate My program").click()
    page.get_by_role("button", name="Create a new secret").click()
    second = secret_on(page)
    assert ask(stack, first) == (401, "invalid_token")
    assert ask(stack, second) == (200, "")
    page.get_by_text("Revoke My program").click()
    page.get_by_role("button", name="Revoke permanently").click()
    expect(page.get_by_text("“My program” is revoked")).to_be_visible()
    assert ask(stack, second) == (401, "revoked_token")
    expect(page.locator(".token", has_text="My program")).to_have_count(0)


def test_the_secret_is_copied(open_page: Open) -> None:
    page = open_page("/account/tokens/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Name").fill("Copied")
    page.get_by_role("button", name="Create the token").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret_on(page)
    page.get_by_text("Revoke Copied").click()
    page.get_by_role("button", name="Revoke permanently").click()

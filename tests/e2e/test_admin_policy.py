"""The admin in a browser: nothing violates its Content Security Policy, and its scripts work."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Open

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PAGES = [
    "/admin/",
    "/admin/accounts/user/",
    "/admin/accounts/user/add/",
    "/admin/accounts/user/1/change/",
    "/admin/accounts/plan/1/change/",
    "/admin/accounts/plan/add/",
    "/admin/jobs/job/",
    "/admin/jobs/picture/",
    "/admin/accounts/auditentry/",
    "/admin/accounts/invitation/",
    "/admin/accounts/invitation/add/",
    "/admin/accounts/user/1/data/",
    "/admin/jobs/case/",
    "/admin/jobs/dailyfigures/",
    "/admin/jobs/refusedpicture/add/",
    "/admin/password_change/",
]


def test_no_page_of_the_admin_violates_its_policy(open_page: Open) -> None:
    page = open_page("/admin/")
    for address in PAGES:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self' 'unsafe-eval'" in policy
        # Alpine uncovers the page when it runs.
        expect(page.locator("html[x-cloak]")).to_have_count(0)
        expect(page.locator("#main")).to_be_visible()


def test_search_and_dialogs_work_under_the_policy(open_page: Open) -> None:
    page = open_page("/admin/accounts/user/", tolerated="^Executing inline script violates")
    colour = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--color-primary-600')"
    )
    assert "155" in colour or "152" in colour, "the site's green, not the library's violet"
    search = page.locator("input[name=q]").first
    search.fill("nobody-has-this-address")
    search.press("Enter")
    page.wait_for_url("**/?q=nobody*")
    expect(page.locator("#result_list tbody tr")).to_have_count(0)
    # An inline script is refused: what a page would do with injected markup.
    assert (
        page.evaluate("""() => new Promise(done => {
        document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.injected = true';
        document.head.append(script);
        setTimeout(() => done('nothing was refused'), 2000);
    })""")
        == "script-src-elem"
    )
    assert page.evaluate("window.injected") is None

"""Moderation in a browser: report of a share, suspension that stops everything, appeal, undo, audit log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e import moderated
from tests.e2e.moderated import AT_ONCE_SECONDS, MODERATOR, OWNER, PHOTO
from tests.person import Person
from tests.stack import SignIn, Stack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def new_page(stack: Stack, browser: Browser) -> Iterator[Callable[[], Page]]:
    """Opens an empty browser."""
    contexts: list[BrowserContext] = []

    def make() -> Page:
        contexts.append(browser.new_context(base_url=stack.address))
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


def sign_in(page: Page, who: SignIn) -> None:
    page.goto("/account/login/")
    page.get_by_label("Email").fill(who.email)
    page.get_by_label("Password").fill(who.password)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()


def look_at_the_original(page: Page) -> None:
    """Nothing of the picture is loaded before it is asked for; another click blurs it."""
    assert page.locator(".reveal img").count() == 0
    page.get_by_text("Show the original").click()
    original = page.locator(".reveal img")
    expect(original).to_be_visible()
    page.wait_for_function("image => image.naturalWidth > 0", arg=original.element_handle())
    original.click()
    expect(page.locator(".reveal--blurred")).to_have_count(1)


def suspend(page: Page) -> None:
    form = page.locator("section", has=page.locator("#decide"))
    form.get_by_label("Decision").select_option("suspend")
    form.get_by_label("Suspend for").select_option("7")
    form.get_by_label("Reason").fill("Third time this week")
    form.get_by_label("Text to the person").fill("Pictures like this are not allowed here.")
    form.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("Decided: suspend.")).to_be_visible()


def test_from_a_report_to_the_undo(stack: Stack, new_page: Callable[[], Page]) -> None:
    secret = moderated.make_people(stack)
    owner = Person(stack.address)
    owner.sign_in(OWNER)
    shown = owner.submit([("astronaut.jpg", PHOTO)])
    until(lambda: moderated.state_of(stack, shown) == "finished", "the picture is done")
    link = moderated.share(owner, shown)
    visitor = new_page()
    visitor.goto(f"{link}report/")
    visitor.get_by_label("It is illegal").check()
    visitor.locator("textarea").fill("That is not allowed.")
    visitor.get_by_role("button", name="Send the report").click()
    expect(visitor.get_by_text("A moderator will look at it")).to_be_visible()
    case = moderated.case_of(stack)

    moderator = new_page()
    sign_in(moderator, MODERATOR)
    moderator.goto("/admin/jobs/case/")
    moderator.get_by_role("link", name=f"share {case[-6:]}").click()
    moderator.get_by_role("button", name="Take this case").click()
    expect(moderator.get_by_text("This case is yours now.")).to_be_visible()
    expect(moderator.get_by_text("That is not allowed.")).to_be_visible()
    look_at_the_original(moderator)

    running = owner.submit([(f"photo-{number}.jpg", PHOTO) for number in range(moderated.MANY)])
    ended = moderated.follow(owner, running)
    assert (moderated.ask(stack, secret), moderated.state_of(stack, running)) == ("ok", "active")
    suspend(moderator)
    began = time.monotonic()
    assert ended.wait(AT_ONCE_SECONDS), "the event stream goes on"
    assert moderated.ask(stack, secret) == "account_suspended"
    until(lambda: moderated.state_of(stack, running) == "cancelled", "the job is cancelled", AT_ONCE_SECONDS)
    assert b'name="password"' in owner.get("/jobs/")
    assert moderated.is_gone(stack, link)
    assert time.monotonic() - began < AT_ONCE_SECONDS

    person = new_page()
    sign_in(person, OWNER)
    expect(person.get_by_role("heading", name="This account is suspended")).to_be_visible()
    person.get_by_role("link", name="Read why, and answer").click()
    expect(person.get_by_text("Pictures like this are not allowed here.")).to_be_visible()
    expect(person.get_by_text("Third time this week")).to_have_count(0)
    person.get_by_label("Why the decision is wrong").fill("That is an astronaut.")
    person.get_by_role("button", name="Send").click()
    expect(person.get_by_text("Your answer was sent.")).to_be_visible()

    moderator.goto("/admin/jobs/case/?state=appealed")
    moderator.get_by_role("link", name=f"share {case[-6:]}").click()
    expect(moderator.get_by_text("That is an astronaut.").first).to_be_visible()
    moderator.get_by_label("The person is").select_option("yes")
    moderator.get_by_label("Answer to the person").fill("You are right. Sorry.")
    moderator.get_by_role("button", name="Answer", exact=True).click()
    expect(moderator.get_by_text("The appeal is answered")).to_be_visible()

    assert moderated.ask(stack, secret) == "ok"
    sign_in(person, OWNER)
    expect(person.get_by_role("heading", level=1)).to_have_text("Remove backgrounds")
    person.goto("/account/decisions/")
    expect(person.get_by_text("This decision was undone.")).to_be_visible()
    expect(person.get_by_text("You are right. Sorry.")).to_be_visible()
    assert moderated.story_of(stack, case) == [
        "reported",
        "case_taken",
        "decided",
        "suspended",
        "appealed",
        "appeal_answered",
        "decision_undone",
        "suspension_lifted",
    ]

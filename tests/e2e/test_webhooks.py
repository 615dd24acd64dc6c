"""Webhooks, created without JavaScript and delivered by the real courier."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import SAMPLES, Open
from tests.jobs.webhooks.receiver import Receiver, receiving
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_a_webhook_is_created_tested_and_notified_of_a_picture(
    stack: Stack, open_page: Open, receiver: Receiver
) -> None:
    # The first page starts the sample job, which would also trigger the webhook.
    until(
        lambda: stack.rows("SELECT 1 FROM jobs_job WHERE state = 'finished'"), "the sample job is done", 120
    )
    page = open_page("/account/webhooks/", java_script_enabled=False)
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_label("Description").fill("The shop")
    page.get_by_role("button", name="Add the webhook").click()
    secret = page.locator("#secret").inner_text()

    page.get_by_role("button", name="Send a test").click()
    until(lambda: receiver.taken, "the test arrives", 60)
    assert receiver.taken[0].said["type"] == "webhook.test"
    assert receiver.taken[0].is_signed_with(secret)

    receiver.answers = [500]
    page.goto("/")
    page.locator("#pictures").set_input_files(SAMPLES / "astronaut.jpg")
    page.get_by_role("button", name="Cut out", exact=True).click()
    until(lambda: len(receiver.taken) == 4, "picture, job, and one of them once more", 180)
    done = [taken for taken in receiver.taken[1:] if taken.said["type"] == "picture.done"]
    assert {taken.said["type"] for taken in receiver.taken[1:]} == {"picture.done", "job.finished"}
    assert all(taken.is_signed_with(secret) for taken in receiver.taken)
    assert done[0].said["data"]["name"] == "astronaut.jpg"
    assert done[0].said["data"]["url"].startswith("http://127.0.0.1:")

    page.goto("/account/webhooks/")
    page.get_by_role("link", name=receiver.url).click()
    expect(page.get_by_text("Delivered")).to_have_count(3)
    page.get_by_role("button", name="Send again").first.click()
    until(lambda: len(receiver.taken) == 5, "it comes again", 60)
    assert receiver.taken[4].id in {taken.id for taken in receiver.taken[:4]}

    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_text("You have no webhooks yet.")).to_be_visible()

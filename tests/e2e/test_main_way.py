"""The main path: upload photos, get cut-outs, history, download."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Files, Open
from tests.person import Person
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def cards(page: Page, state: str) -> int:
    return page.locator(f'.card[data-state="{state}"]').count()


def check_cut_out(data: bytes, photo: Path) -> None:
    """Checks for a PNG of the photo's size that is neither fully opaque nor fully transparent."""
    with Image.open(photo) as source, Image.open(io.BytesIO(data)) as result:
        assert result.format == "PNG"
        assert result.size == source.size
        assert result.mode == "RGBA"
        low, high = result.getchannel("A").getextrema()
        assert (low, high) == (0, 255), photo.name


def test_four_photos_four_cut_outs_history_and_zip(open_page: Open, photos: Files, tmp_path: Path) -> None:
    page = open_page("/")
    page.evaluate("window.sameDocument = true")
    page.locator("#pictures").set_input_files(photos)
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(4)
    for photo in photos:
        preview = page.get_by_role("img", name=f"Cut-out of {photo.name}")
        expect(preview).to_be_visible()
        page.wait_for_function(
            "image => image.complete && image.naturalWidth > 0", arg=preview.element_handle()
        )
    assert page.evaluate("window.sameDocument") is True

    page.get_by_role("link", name="History", exact=True).click()
    row = page.locator(".job-row").first
    expect(row).to_contain_text("4 pictures")
    with page.expect_download() as downloading:
        row.get_by_role("link", name=re.compile("as a ZIP")).click()
    archive = tmp_path / "results.zip"
    downloading.value.save_as(archive)

    with zipfile.ZipFile(archive) as results:
        assert sorted(results.namelist()) == ["astronaut.png", "chelsea.png", "coffee.png", "cup.png"]
        for photo in photos:
            check_cut_out(results.read(f"{photo.stem}.png"), photo)


def test_one_cut_out_again_from_the_job_page(open_page: Open, photos: Files, tmp_path: Path) -> None:
    page = open_page("/")
    page.locator("#pictures").set_input_files(photos[:1])
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(1)
    page.get_by_role("link", name="Open job").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("astronaut.jpg")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the cut-out of astronaut.jpg").click()
    assert downloading.value.suggested_filename == "astronaut.png"
    downloading.value.save_as(tmp_path / "one.png")
    check_cut_out((tmp_path / "one.png").read_bytes(), photos[0])


def test_cut_outs_appear_without_server_sent_events(open_page: Open, photos: Files) -> None:
    page = open_page("/", tolerated="EventSource")
    page.route(
        "**/events/", lambda route: route.fulfill(status=200, content_type="text/plain", body="no events")
    )
    page.locator("#pictures").set_input_files(photos[:2])
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(2)


def test_the_sample_job_exists_after_the_first_start(open_page: Open) -> None:
    page = open_page("/jobs/")
    page.get_by_role("link", name="Sample photos", exact=True).click()
    expect(page.locator('.card[data-state="done"]')).to_have_count(3)


def test_a_job_page_opened_while_it_runs_fills_to_the_last_card(
    stack: Stack, open_page: Open, photos: Files
) -> None:
    page = open_page("/jobs/")
    person = Person(stack.address)
    person.sign_in(stack.sign_in)
    for _ in range(5):  # to catch the former race between the last card and the summary
        page.goto(person.submit([(photo.name, photo.read_bytes()) for photo in photos]))
        expect(page.locator('.card[data-state="done"]')).to_have_count(4)


def test_bad_files_get_an_error_each_and_the_same_worker_does_the_rest(
    stack: Stack, open_page: Open, photos: Files, broken: Files
) -> None:
    worker = stack.worker()
    page = open_page("/", tolerated="status of 4")  # browsers log a 4xx as an error
    page.locator("#pictures").set_input_files([*broken[:2], photos[0], *broken[2:], photos[1]])
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(2)
    bad = page.locator('#batches .card:is([data-state="failed"], [data-state="refused"])')
    expect(bad).to_have_count(4)
    for file in broken:
        sentence = bad.filter(has=page.get_by_role("heading", name=file.name)).locator(".card__sentence")
        expect(sentence).to_have_text(re.compile(r"^[A-Z].{15,}\.$"))
    assert stack.worker() == worker


def test_the_page_recovers_from_an_unresponsive_server(open_page: Open, photos: Files) -> None:
    page = open_page("/", tolerated="ERR_FAILED|EventSource")
    away = re.compile(r"/jobs/[0-9a-f-]+/(events|cards)/")
    page.route(away, lambda route: route.abort())
    page.locator("#pictures").set_input_files(photos[:2])
    note = page.get_by_text("The server does not respond.")
    expect(note).to_be_visible(timeout=20_000)
    page.unroute(away)
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(2)
    expect(note).to_have_count(0)


def test_a_picture_is_deleted_without_leaving_the_page(open_page: Open, photos: Files) -> None:
    page = open_page("/")
    page.locator("#pictures").set_input_files(photos[:2])
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(2)
    page.get_by_role("link", name="Open job").click()
    page.get_by_role("link", name="Delete chelsea.png").click()
    dialog = page.get_by_role("dialog", name="Delete “chelsea.png”?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(page.locator(".card")).to_have_count(2)
    page.get_by_role("link", name="Delete chelsea.png").click()
    dialog.get_by_role("button", name="Delete permanently").click()
    expect(page.locator(".card")).to_have_count(1)
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Delete astronaut.jpg").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page).to_have_url(re.compile("/jobs/$"))

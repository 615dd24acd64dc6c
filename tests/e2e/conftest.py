"""A real browser against a running platform."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import ARGUMENTS, chromium, sign_in
from tests.stack import Stack

SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"
MAX_PIXELS = 2_000_000

Open = Callable[..., Page]
Files = list[Path]

expect.set_options(timeout=60_000)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The platform with the small network and a low pixel limit; it may fetch from this machine."""
    folder = tmp_path_factory.mktemp("platform")
    with Stack(folder, MAX_PICTURE_PIXELS=str(MAX_PIXELS), FETCH_PRIVATE_NETWORKS="127.0.0.0/8") as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    found = chromium()
    if found is None:
        pytest.skip("there is no Chromium here (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def signed_in(stack: Stack, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of the first administrator after signing in."""
    kept = tmp_path_factory.mktemp("cookies") / "state.json"
    context = browser.new_context(base_url=stack.address)
    sign_in(context.new_page(), stack)
    context.storage_state(path=kept)
    context.close()
    return kept


@pytest.fixture
def open_page(stack: Stack, browser: Browser, signed_in: Path) -> Iterator[Open]:
    """Opens a page as the signed-in person; `settings` are the browser context's.

    At the end of the test no page may have had an error or violated the content security policy, except for
    messages that match `tolerated`.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_it(path: str = "/", tolerated: str = "$^", **settings: object) -> Page:
        def note(text: str) -> None:
            if not re.search(tolerated, text):
                errors.append(text)

        given = {"base_url": stack.address, "storage_state": signed_in, **settings}
        context = browser.new_context(**given)  # type: ignore[arg-type]  # the caller's, as documented there
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: note(str(error)))
        page.on("console", lambda message: note(message.text) if message.type == "error" else None)
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def photos(tmp_path: Path) -> Files:
    """Four photos in four formats."""
    avif = tmp_path / "cup.avif"
    with Image.open(SAMPLES / "coffee.webp") as coffee:
        coffee.convert("RGB").crop((100, 0, 600, 400)).save(avif)
    return [SAMPLES / "astronaut.jpg", SAMPLES / "chelsea.png", SAMPLES / "coffee.webp", avif]


@pytest.fixture
def broken(tmp_path: Path) -> Files:
    """Four files that are not pictures, or not in a supported format."""
    text = tmp_path / "notes.jpg"
    text.write_text("Dear diary, this is no photo.\n" * 50)
    truncated = tmp_path / "half.jpg"
    whole = (SAMPLES / "astronaut.jpg").read_bytes()
    truncated.write_bytes(whole[: len(whole) // 2])
    empty = tmp_path / "empty.png"
    empty.touch()
    huge = tmp_path / "huge.png"
    huge.write_bytes(flat_png(1600, 1300))
    return [text, truncated, empty, huge]


def flat_png(width: int, height: int) -> bytes:
    """Returns a grey PNG of that size, in few bytes."""
    out = io.BytesIO()
    Image.new("L", (width, height), 128).save(out, "PNG")
    return out.getvalue()

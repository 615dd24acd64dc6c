"""The site below a path of a shared host, behind the reverse proxy from docs/proxy.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests import reverse_proxy
from tests.e2e.conftest import SAMPLES
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "proxy.md"
PREFIX = "/cutouts"
# The guide's host does not exist here: the browser uses the proxy's own address.
LOCAL = {"HTTPS": "false", "ALLOWED_HOSTS": "127.0.0.1"}


def examples() -> list[tuple[dict[str, str], reverse_proxy.Location]]:
    """Returns the guide's examples: variables with the nginx block below them."""
    found = re.findall(
        r"^    ((?:[A-Z_]+=\S+ ?)+)\n\n```nginx\n(.*?)```", GUIDE.read_text(), re.MULTILINE | re.DOTALL
    )
    return [
        (dict(pair.split("=", 1) for pair in line.split()), reverse_proxy.Location.of(block))
        for line, block in found
    ]


@pytest.fixture(scope="module")
def own_host() -> reverse_proxy.Location:
    (_, location), _ = examples()
    return location


@pytest.fixture(scope="module")
def shared_host() -> reverse_proxy.Location:
    _, (_, location) = examples()
    return location


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The platform as in the guide, except for host name and TLS."""
    _, (variables, _) = examples()
    assert variables.pop("PATH_PREFIX") == PREFIX
    # The launcher sets it to the run's address.
    assert variables.pop("SITE_URL") == "https://example.org"
    with Stack(tmp_path_factory.mktemp("prefixed"), PATH_PREFIX=PREFIX, **{**variables, **LOCAL}) as running:
        yield running


def port(stack: Stack) -> int:
    return int(urlsplit(stack.address).port or 0)


@pytest.fixture(scope="module")
def site(prefixed: Stack, shared_host: reverse_proxy.Location) -> Iterator[str]:
    """The proxy's origin."""
    with reverse_proxy.running(shared_host, port(prefixed)) as origin:
        yield origin


def test_the_guide_has_both_examples() -> None:
    (plain, first), (prefixed, second) = examples()
    assert (first.path, second.path) == ("/", f"{PREFIX}/")
    assert first.headers == second.headers
    assert {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} < first.headers.keys()
    assert prefixed.keys() - plain.keys() == {"PATH_PREFIX"}


def test_pages_work_below_the_prefix(site: str, prefixed: Stack, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    outside: list[str] = []
    failed: list[str] = []
    problems: list[str] = []

    def note(url: str) -> None:
        if url.startswith("http") and not url.startswith(f"{site}{PREFIX}"):
            outside.append(url)

    page.on("request", lambda request: note(request.url))
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    _sign_in(page, f"{site}{PREFIX}", prefixed)
    page.locator("#pictures").set_input_files([SAMPLES / "astronaut.jpg", SAMPLES / "chelsea.png"])
    expect(page.locator('#batches .card[data-state="done"]')).to_have_count(2)
    preview = page.get_by_role("img", name="Cut-out of astronaut.jpg")
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=preview.element_handle())
    page.get_by_role("link", name="Open job").click()
    expect(page).to_have_url(re.compile(f"^{re.escape(site)}{PREFIX}/jobs/[0-9a-f-]+/$"))
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the cut-out of astronaut.jpg").click()
    downloading.value.save_as(tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator(".job-row").first).to_contain_text("2 pictures")
    page.goto(f"{site}{PREFIX}/api/docs/")
    page.locator(".opblock").first.wait_for()
    page.goto(f"{site}{PREFIX}/admin/")
    expect(page.get_by_role("link", name="Pictures").first).to_be_visible()
    cookies = {(str(cookie["name"]), str(cookie["path"])) for cookie in context.cookies()}
    context.close()
    assert {("sessionid_cutouts", f"{PREFIX}/"), ("csrftoken_cutouts", f"{PREFIX}/")} <= cookies
    assert {path for _, path in cookies} == {f"{PREFIX}/"}
    assert (outside, failed, problems) == ([], [], [])


def _sign_in(page: Page, address: str, stack: Stack) -> None:
    page.goto(address)
    expect(page).to_have_url(f"{address}/account/login/?next={PREFIX}/")
    page.get_by_label("Email").fill(stack.sign_in.email)
    page.get_by_label("Password").fill(stack.sign_in.password)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{address}/")


def test_the_apis_work_below_the_prefix(site: str, prefixed: Stack) -> None:
    below = f"{site}{PREFIX}"
    key = {"Authorization": f"Token {prefixed.token('prefix', '--scope', 'read,submit')}"}
    data = (SAMPLES / "chelsea.png").read_bytes()
    started = requests.post(
        f"{below}/api/v1/uploads/", json={"name": "cat.png", "size": len(data)}, headers=key, timeout=60
    ).json()
    target = started["target"]
    assert target["url"].startswith(f"{below}/")
    files = {"file": ("cat.png", data)}
    sent = requests.request(
        target["method"], target["url"], data=target["fields"], files=files, headers=key, timeout=60
    )
    assert sent.status_code == 204
    schema = requests.get(f"{below}/api/schema/?format=json", timeout=60).json()
    assert schema["servers"] == [{"url": PREFIX}]
    assert "/api/v1/jobs/" in schema["paths"]
    for path in ("/v1.0/removebg", "/api/remove"):
        name = "image_file" if path.startswith("/v1.0") else "file"
        cut = requests.post(f"{below}{path}", files={name: ("cat.png", data)}, headers=key, timeout=120)
        assert (cut.status_code, cut.content[:4]) == (200, b"\x89PNG"), cut.text[:300]
    (job,) = requests.get(f"{below}/api/v1/jobs/?limit=1", headers=key, timeout=60).json()["results"]
    assert job["url"].startswith(f"{below}/api/v1/jobs/")


def test_redirects_and_probes(site: str, prefixed: Stack) -> None:
    def location(path: str, **headers: str) -> str | None:
        answer = requests.get(f"{site}{path}", headers=headers, allow_redirects=False, timeout=60)
        return answer.headers.get("Location")

    assert location(f"{PREFIX}/jobs?q=a") == f"{PREFIX}/jobs/?q=a"
    assert location(f"{PREFIX}/jobs/") == f"{PREFIX}/account/login/?next={PREFIX}/jobs/"
    assert re.fullmatch(rf"{PREFIX}/static/img/mark\.[0-9a-f]+\.svg", location(f"{PREFIX}/favicon.ico") or "")
    direct = f"http://127.0.0.1:{port(prefixed)}"
    for path in ("/healthz", f"{PREFIX}/healthz"):
        assert requests.get(f"{direct}{path}", allow_redirects=False, timeout=60).status_code == 200
    bare = requests.get(f"{direct}{PREFIX}", allow_redirects=False, timeout=60)
    assert (bare.status_code, bare.headers["Location"]) == (308, f"{PREFIX}/")


def test_a_proxy_that_strips_the_prefix_works(prefixed: Stack, shared_host: reverse_proxy.Location) -> None:
    cutting = reverse_proxy.Location(shared_host.path, "/", shared_host.headers)
    with reverse_proxy.running(cutting, port(prefixed)) as origin:
        login = requests.get(f"{origin}{PREFIX}/jobs/", timeout=60)
        assert (login.status_code, urlsplit(login.url).path) == (200, f"{PREFIX}/account/login/")
        for address in re.findall(r'(?:href|src|action)="(/[^"]*)"', login.text):
            assert address.startswith(f"{PREFIX}/"), address
            assert requests.get(f"{origin}{address}", timeout=60).status_code == 200, address


def test_forged_forwarding_headers_are_ignored(site: str, stack: Stack, prefixed: Stack) -> None:
    """Behind the proxy only the last address counts; without BEHIND_PROXY no header does."""
    with ExitStack() as proxies:
        behind = proxies.enter_context(reverse_proxy.running(examples()[0][1], port(stack)))
        for running, address in ((prefixed, f"{site}{PREFIX}"), (stack, behind), (stack, stack.address)):
            secret = running.token("far", "--scope", "read", "--address", "192.0.2.0/24")
            refused = requests.get(
                f"{address.rstrip('/')}/api/v1/account/",
                headers={"Authorization": f"Token {secret}", "X-Forwarded-For": "192.0.2.1"},
                timeout=60,
            )
            assert refused.status_code == 403, refused.text


def test_https_and_host_come_from_the_proxy(prefixed: Stack, own_host: reverse_proxy.Location) -> None:
    cutting = reverse_proxy.Location(f"{PREFIX}/", "", own_host.headers)
    with reverse_proxy.running(cutting, port(prefixed), scheme="https") as origin:
        forged = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
        secret = prefixed.token("https", "--scope", "submit")
        started = requests.post(
            f"{origin}{PREFIX}/api/v1/uploads/",
            json={"name": "cat.png", "size": 1000},
            headers={"Authorization": f"Token {secret}", **forged},
            timeout=60,
        ).json()
        secure = origin.replace("http://", "https://")
        assert started["target"]["url"].startswith(f"{secure}{PREFIX}/")

"""curl, with the examples from remove.bg's and rembg's documents."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image

from tests.stack import Stack
from tests.waiting import until

OPEN = "SELECT COUNT(*) FROM jobs_picture WHERE state IN ('queued', 'running')"

pytestmark = [
    pytest.mark.real,
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here"),
]


def curl(*arguments: str) -> bytes:
    return subprocess.run(
        ["curl", "--silent", "--show-error", *arguments], check=True, capture_output=True, timeout=90
    ).stdout


def stored(stack: Stack) -> list[Path]:
    """Returns every stored file of a picture."""
    return sorted(path for path in (stack.state.folder / "files").rglob("*") if path.is_file())


def test_the_example_of_the_documents(base: str, token: str, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "no-bg.png"
    curl(
        *("-H", f"X-Api-Key: {token}", "-F", f"image_file=@{photo}", "-F", "size=auto"),
        *("-f", f"{base}/removebg", "-o", str(out)),
    )
    with Image.open(out) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (900, 600))


@pytest.mark.parametrize("given", ["pictures=@{photo}", "pictures=<{photo}"])
def test_our_own_api_without_a_length_or_a_name(stack: Stack, token: str, photo: Path, given: str) -> None:
    """With @ curl sends a file name, with < it does not; with Transfer-Encoding it sends chunks."""
    key = ("-H", f"Authorization: Token {token}", "-H", "Transfer-Encoding: chunked")
    said = curl("-f", *key, "-F", given.format(photo=photo), f"{stack.address}api/v1/jobs/?wait=60")
    (picture,) = json.loads(said)["pictures"]
    assert (picture["name"], picture["state"]) == ("disc.jpg" if "@" in given else "picture", "done")


def test_an_address_and_a_zip(base: str, token: str, photo_address: str) -> None:
    given = (
        "-d",
        f"image_url={photo_address}",
        "-d",
        "format=zip",
        "-d",
        "size=full",
        "-d",
        "roi=",
        "-d",
        "crop=",
    )
    data = curl("-H", f"X-Api-Key: {token}", *given, "-f", f"{base}/removebg")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["color.jpg", "alpha.png"]


def test_an_address_with_spaces(base: str, token: str, photo: Path, photo_address: str) -> None:
    photo.rename(photo.with_name("My disc.jpg"))
    address = photo_address.replace(photo.name, "My disc.jpg")
    for kind, given in (
        ("application/x-www-form-urlencoded", f"image_url={address}"),
        ("application/json", json.dumps({"image_url": address})),
    ):
        key = ("-H", f"X-Api-Key: {token}", "-H", f"Content-Type: {kind}")
        data = curl(*key, "-d", given, "-f", f"{base}/removebg")
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == ("PNG", (612, 408))


def test_a_large_body_that_waits_for_100_continue(base: str, token: str, photo: Path) -> None:
    photo.write_bytes(photo.read_bytes() + bytes(5 * 2**20))
    said = curl("-D", "-", "-o", "/dev/null", "-H", f"X-Api-Key: {token}", "-H", "Expect: 100-continue",
                "-F", f"image_file=@{photo}", f"{base}/removebg")  # fmt: skip
    assert said.startswith(b"HTTP/1.1 100 Continue")
    assert b"HTTP/1.1 200 OK" in said
    assert b"x-credits-charged: 1" in said.lower()


def test_an_http_2_upgrade_is_ignored(base: str, token: str, photo: Path) -> None:
    """As `curl --http2` and Java's HttpClient send it without TLS."""
    proposed = (
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQ",
    )
    headers = [part for one in (f"X-Api-Key: {token}", *proposed) for part in ("-H", one)]
    data = curl("-f", *headers, "-F", f"image_file=@{photo}", f"{base}/removebg")
    assert data.startswith(b"\x89PNG")


def test_errors_are_json_whatever_the_accept_header(base: str, photo: Path) -> None:
    said = curl("-H", "Accept: image/png", "-F", f"image_file=@{photo}", f"{base}/removebg")
    assert json.loads(said) == {"errors": [{"title": "Missing API Key"}]}


def test_an_ephemeral_token_leaves_nothing_behind(stack: Stack, base: str, photo: Path) -> None:
    secret = stack.token("client", "--scope", "submit", "--ephemeral")
    # A fresh platform's sample job writes its files meanwhile.
    until(lambda: stack.rows(OPEN) == [(0,)], "nobody else's picture is open", 60)
    jobs = stack.rows("SELECT COUNT(*) FROM jobs_job")
    files = stored(stack)
    data = curl("-f", "-H", f"X-Api-Key: {secret}", "-F", f"image_file=@{photo}", f"{base}/removebg")
    assert data.startswith(b"\x89PNG")
    assert stack.rows("SELECT COUNT(*) FROM jobs_job") == jobs
    assert stored(stack) == files


def test_rembg(stack: Stack, token: str, photo: Path, photo_address: str) -> None:
    bearer = ("-H", f"Authorization: Bearer {token}")
    address = f"{stack.address}api/remove"
    for data in (
        curl("-f", *bearer, "-F", f"file=@{photo}", address),
        curl("-f", *bearer, "-G", "--data-urlencode", f"url={photo_address}", "-d", "om=true", address),
    ):
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == ("PNG", (900, 600))
    assert json.loads(curl("-F", f"file=@{photo}", address))["detail"]


def test_an_api_calls_thumbnail_is_rendered_on_first_view(
    stack: Stack, base: str, token: str, photo: Path
) -> None:
    curl("-f", "-H", f"X-Api-Key: {token}", "-F", f"image_file=@{photo}", f"{base}/removebg")
    ((picture, thumb),) = stack.rows("SELECT id, thumb_key FROM jobs_picture ORDER BY queued_at DESC LIMIT 1")
    assert thumb == ""
    address = f"{stack.address}api/v1/pictures/{UUID(str(picture))}/preview/"
    small = curl("-f", "-H", f"Authorization: Token {token}", address)
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("WEBP", (612, 408))

"""Requests from Go, Ruby, PHP, Java and .NET, replayed byte by byte over a socket."""

from __future__ import annotations

import base64
import http.client
import io
import json
import re
import socket
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.clients import recorded
from tests.clients.recorded import Recorded
from tests.stack import Stack

pytestmark = [pytest.mark.real, pytest.mark.e2e]
SECONDS = 90


class Answer:
    """A response from the socket, parsed as HTTP."""

    def __init__(self, connection: socket.socket) -> None:
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        self.status = response.status
        self.headers = response.headers
        self.content = response.read()

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.content)

    def picture(self) -> tuple[str | None, str, tuple[int, int]]:
        """Returns format, mode and size."""
        assert self.status == 200, self.content[:500]
        with Image.open(io.BytesIO(self.content)) as image:
            return image.format, image.mode, image.size


def raw(stack: Stack, *pieces: bytes) -> Answer:
    """Send raw bytes and read one response."""
    where = urlsplit(stack.address)
    with socket.create_connection((str(where.hostname), where.port or 80), timeout=SECONDS) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return Answer(connection)


def replay(stack: Stack, request: Recorded, key: str, photo: bytes) -> Answer:
    """Send a recorded request with this key and photo, and read the response."""
    where = urlsplit(stack.address)
    body = request.body_bytes(photo)
    head = request.head_bytes(where.netloc, key, len(body))
    if not request.waits:
        return raw(stack, head, body)
    with socket.create_connection((str(where.hostname), where.port or 80), timeout=SECONDS) as connection:
        connection.sendall(head)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(body)
        return Answer(connection)


FULL = ("PNG", "RGBA", (900, 600))


@pytest.mark.parametrize(
    "name",
    [
        "RUBY_GEM",
        "PHP_LIBRARY",
        "PHP_SAMPLE",
        "JAVA_APACHE",
        "JAVA_APACHE_STREAM",
        "JAVA_APACHE_LATIN_1",
        "JAVA_JDK",
        "JAVA_JDK_STREAM",
        "NET_SAMPLE",
        "NET_FRAMEWORK",
        "NET_STREAM",
    ],
)
def test_a_file(stack: Stack, token: str, photo: Path, name: str) -> None:
    answer = replay(stack, getattr(recorded, name), token, photo.read_bytes())
    assert answer.picture() == FULL
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Credits-Charged"] == "1"
    assert answer.headers["X-Type"] == "other"
    assert (answer.headers["X-Width"], answer.headers["X-Height"]) == ("900", "600")
    assert int(answer.headers["X-RateLimit-Remaining"]) < int(answer.headers["X-RateLimit-Limit"])


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ("JAVA_APACHE_LATIN_1", "café.jpg"),
        ("JAVA_APACHE_STREAM", "picture"),
        ("NET_FRAMEWORK", "café.jpg"),
        ("PHP_LIBRARY", "disc.png"),
    ],
)
def test_the_name_of_a_file(stack: Stack, token: str, photo: Path, name: str, file_name: str) -> None:
    assert replay(stack, getattr(recorded, name), token, photo.read_bytes()).status == 200
    ((found,),) = stack.rows("SELECT name FROM jobs_picture ORDER BY queued_at DESC LIMIT 1")
    assert found == file_name


def test_the_go_client_asks_for_a_zip(stack: Stack, token: str, photo: Path) -> None:
    answer = replay(stack, recorded.GO_CLI, token, photo.read_bytes())
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        sizes = {}
        for name in archive.namelist():
            with Image.open(io.BytesIO(archive.read(name))) as image:
                sizes[name] = (image.mode, image.size)
    assert sizes == {"color.jpg": ("RGB", (900, 600)), "alpha.png": ("L", (900, 600))}


def test_the_php_library_asks_for_base64(stack: Stack, token: str, photo: Path) -> None:
    answer = replay(stack, recorded.PHP_LIBRARY_BASE64, token, photo.read_bytes())
    data = answer.json["data"]
    with Image.open(io.BytesIO(base64.b64decode(data["result_b64"]))) as image:
        assert (image.format, image.size) == ("PNG", (900, 600))
    assert set(data) == {
        "result_b64",
        "foreground_top",
        "foreground_left",
        "foreground_width",
        "foreground_height",
    }


def test_the_ruby_gem_reads_the_remaining_credits(stack: Stack, token: str) -> None:
    answer = replay(stack, recorded.RUBY_ACCOUNT, token, b"")
    attributes = answer.json["data"]["attributes"]
    assert {name: set(attributes[name]) for name in attributes} == {
        "credits": {"total", "subscription", "payg", "enterprise"},
        "api": {"free_calls", "sizes"},
    }


@pytest.mark.parametrize("name", ["GO_CLI", "RUBY_GEM", "PHP_LIBRARY", "JAVA_JDK", "NET_SAMPLE"])
def test_clients_show_the_title_of_an_error(stack: Stack, token: str, photo: Path, name: str) -> None:
    """Each client parses the JSON of any 4xx and shows the title of the first error."""
    request: Recorded = getattr(recorded, name)
    refused = replay(stack, request, "nonsense", photo.read_bytes())
    assert (refused.status, refused.json["errors"][0]["title"]) == (403, "API Key invalid")
    unreadable = replay(stack, request, token, b"no picture")
    assert (unreadable.status, unreadable.json["errors"][0]["title"]) == (400, "Invalid file type")


@pytest.mark.parametrize(
    ("request_head", "status", "code"),
    [
        (b"POST //v1.0/removebg HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 404, "not_found"),
        (b"POST /v1.0/removebg HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", 400, "invalid_headers"),
        (
            b"POST /v1.0/removebg?image_url=" + b"x" * 66_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            414,
            "address_too_long",
        ),
    ],
)
def test_an_unparsable_request(stack: Stack, request_head: bytes, status: int, code: str) -> None:
    answer = raw(stack, request_head)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
    assert answer.json["errors"][0]["code"] == code


def test_our_own_api_accepts_them_too(stack: Stack, token: str, photo: Path) -> None:
    """The same forms at /api/v1/, where the field has another name."""
    key = re.compile(r"X-Api-Key: ", re.IGNORECASE)
    for name in ("JAVA_APACHE_STREAM", "JAVA_APACHE_LATIN_1", "JAVA_JDK_STREAM", "NET_STREAM"):
        request: Recorded = getattr(recorded, name)
        told = Recorded(
            key.sub("Authorization: Token ", request.head).replace(recorded.PATH, "/api/v1/jobs/?wait=60"),
            request.body.replace("image_file", "pictures").replace("auto", "original"),
            tuple(
                chunk.replace("image_file", "pictures").replace("auto", "original")
                for chunk in request.chunks
            ),
        )
        answer = replay(stack, told, token, photo.read_bytes())
        assert answer.status == 201, (name, answer.content[:500])
        (picture,) = answer.json["pictures"]
        expected = {"JAVA_APACHE_LATIN_1": "café.jpg", "JAVA_JDK_STREAM": "disc.jpg"}
        assert (picture["name"], picture["state"]) == (expected.get(name, "picture"), "done")

"""The ten rules that real clients impose, one test each, in order."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from jobs.models import Job
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Caller, ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
PHOTO = make_picture(320, 240, format="JPEG")
EMPTY = dict.fromkeys(
    (
        "image_url", "image_file_b64", "size", "type", "type_level", "format", "roi", "crop", "crop_margin",
        "scale", "position", "channels", "shadow_type", "shadow_opacity", "add_shadow", "semitransparency",
        "bg_color", "bg_image_url",
    ),
    "",
)  # fmt: skip
real = pytest.mark.real


def photo(data: bytes = PHOTO) -> Any:
    return SimpleUploadedFile("photo.jpg", data)


@real
async def test_1_empty_strings_mean_absent(caller: Caller, worker: None) -> None:
    plain = await caller.form({"image_file": photo()})
    answer = await caller.form({"image_file": photo(), **EMPTY})
    assert (answer.status, answer.content) == (200, plain.content)
    assert answer.headers["X-Credits-Charged"] == "0", "the very same recipe"


@real
async def test_2_credits_are_a_plain_integer(caller: Caller, worker: None) -> None:
    for expected in ("1", "0"):
        answer = await caller.form({"image_file": photo(), "size": "preview"})
        assert answer.headers["X-Credits-Charged"] == expected
        assert int(answer.headers["X-Credits-Charged"]) in (0, 1)


async def test_3_the_account_endpoint_exists(caller: Caller) -> None:
    answer = await caller.get("/v1.0/account")
    assert answer.status == 200
    attributes = answer.json["data"]["attributes"]
    assert set(attributes) == {"credits", "api"}
    assert set(attributes["credits"]) == {"total", "subscription", "payg", "enterprise"}
    assert set(attributes["api"]) == {"free_calls", "sizes"}
    assert isinstance(attributes["credits"]["total"], int)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/png", "text/html", ""])
async def test_4_errors_are_json_with_a_title(caller: Caller, accept: str, settings: Settings) -> None:
    settings.SYNC_SECONDS = 0
    for answer in (
        await ask("POST", "/v1.0/removebg", headers={"Accept": accept}),
        await caller.form({}, Accept=accept),
        await caller.form({"image_file": photo(b"text")}, Accept=accept),
        await caller.form({"image_file": photo()}, Accept=accept),
        await ask("DELETE", "/v1.0/removebg", headers={"Accept": accept}),
    ):
        assert answer.status >= 400
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json["errors"][0]["title"]


async def test_5_429_has_a_retry_after(caller: Caller, settings: Settings) -> None:
    settings.COMPAT_MEGAPIXELS_A_MINUTE = 1
    settings.SYNC_SECONDS = 0
    statuses = set()
    # Three, because a minute may end between two of them.
    for number in range(3):
        answer = await caller.form({"image_file": photo(PHOTO + bytes([number]))})
        statuses.add(answer.status)
        if answer.status == 429:
            assert answer.headers["Retry-After"].isdigit()
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            assert answer.error[1] == "rate_limit_exceeded"
    assert 429 in statuses


@real
async def test_6_a_repeated_request_is_computed_once(
    caller: Caller, settings: Settings, request: pytest.FixtureRequest
) -> None:
    settings.SYNC_SECONDS = 0
    for _ in range(2):
        assert (await caller.form({"image_file": photo()})).status == 503
    job = await Job.objects.aget()
    assert job.lane == "interactive"
    settings.SYNC_SECONDS = 60
    await sync_to_async(request.getfixturevalue)("worker")
    answer = await caller.form({"image_file": photo()})
    assert (answer.status, answer.headers["X-Credits-Charged"]) == (200, "0")
    again = await asyncio.gather(*(caller.form({"image_file": photo()}) for _ in range(3)))
    assert {one.content for one in again} == {answer.content}
    assert await Job.objects.acount() == 1


@real
async def test_7_names_and_types_of_parts_are_not_trusted(caller: Caller, worker: None) -> None:
    answers = []
    for name, kind in (
        ("image_file", "text/plain"),
        ("a.php", "application/x-php"),
        ("cat.gif", "image/gif"),
    ):
        answers.append(await caller.form({"image_file": SimpleUploadedFile(name, PHOTO, kind)}))
    bare = b'--b\r\nContent-Disposition: form-data; name="image_file"\r\n\r\n' + PHOTO + b"\r\n--b--\r\n"
    answers.append(await caller.send(bare, "multipart/form-data; boundary=b"))
    assert [answer.status for answer in answers] == [200] * 4
    letter = SimpleUploadedFile("cat.png", b"Dear all", "image/png")
    assert (await caller.form({"image_file": letter})).error == (400, "invalid_file_type")


@real
async def test_8_the_zip_that_the_command_line_clients_request(caller: Caller, worker: None) -> None:
    answer = await caller.form({"image_file": photo(), "format": "zip", "size": "auto"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    assert answer.content.startswith(b"PK")


@real
async def test_9_booleans_of_both_kinds_and_22_megabytes_of_base64(caller: Caller, worker: None) -> None:
    text = base64.b64encode(PHOTO).decode()
    crops = [await caller.json({"image_file_b64": text, "crop": value}) for value in (True, "true", "1")]
    assert len({answer.content for answer in crops}) == 1
    wholes = [
        await caller.json({"image_file_b64": text, "crop": value}) for value in (False, "false", "", None)
    ]
    assert len({answer.content for answer in wholes}) == 1
    assert crops[0].content != wholes[0].content
    large = base64.b64encode(PHOTO + bytes(22 * 2**20 - len(PHOTO))).decode()
    assert len(large) > 30_000_000
    assert (await caller.json({"image_file_b64": large})).status == 200
    body = b"image_file_b64=" + large.replace("+", "%2B").replace("/", "%2F").encode()
    assert (await caller.send(body, "application/x-www-form-urlencoded")).status == 200


@real
async def test_10_preview_is_the_default_unless_the_token_says_otherwise(
    make_caller: Callable[..., Caller], worker: None
) -> None:
    large = make_picture(1000, 800, format="JPEG")
    plain = await sync_to_async(make_caller)()
    full = await sync_to_async(make_caller)(preview_means_full=True)
    answer = await plain.form({"image_file": photo(large)})
    assert int(answer.headers["X-Width"]) * int(answer.headers["X-Height"]) <= 250_000
    for fields in ({}, {"size": "preview"}, {"size": "small"}):
        answer = await full.form({"image_file": photo(large), **fields})
        assert (answer.headers["X-Width"], answer.headers["X-Height"]) == ("1000", "800")
    assert answer.headers["X-Max-Width"] == "1000"

"""Every error code of remove.bg, provoked; and the errors when our own services fail."""

from __future__ import annotations

import base64
import io
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django import Settings

from accounts.models import Plan, User
from accounts.services import tokens
from bgplatform.local import ports
from jobs.compat import errors
from jobs.models import Job, Upload
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Answer, Caller, ask
from tests.jobs.factories import stored_files
from tests.jobs.filesystems import file_system

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
PHOTO = make_picture(320, 240, format="JPEG")


def file(data: bytes) -> Any:
    return SimpleUploadedFile("photo", data)


def encoded(format: str, size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, format)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims that size."""
    data = bytearray(encoded("PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def png_with_text_that_unfolds() -> bytes:
    """A valid PNG with a compressed comment of eight megabytes, which Pillow refuses to decompress."""
    text = b"zTXtComment\0\0" + zlib.compress(bytes(8 * 2**20))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    plain = encoded("PNG")
    return plain[:33] + chunk + plain[33:]


SOURCES: list[tuple[str, dict[str, Any]]] = [
    ("missing_source", {}),
    ("missing_source", {"size": "full"}),
    ("missing_source", {"image_url": "", "image_file_b64": ""}),
    ("missing_source", {"image_url": ""}),
    ("failed_to_read_image", {"image_file": b""}),
    ("failed_to_read_image", {"image_file_b64": "", "size": ""}),
    ("failed_to_read_image", {"image_file": PHOTO, "bg_image_file": b""}),
    ("failed_to_read_image", {"image_file_b64": "data:image/png;base64,"}),
    ("multiple_sources", {"image_file": PHOTO, "image_url": "http://example.org/a.jpg"}),
    ("multiple_sources", {"image_file_b64": "aGk=", "image_url": "http://example.org/a.jpg"}),
    ("multiple_bg_sources", {"image_file": PHOTO, "bg_color": "fff", "bg_image_file": PHOTO}),
    ("multiple_bg_sources", {"image_file": PHOTO, "bg_color": "fff", "bg_image_url": "http://example.org/"}),
    ("file_too_large", {"image_file": PHOTO + bytes(22 * 2**20)}),
    ("file_too_large", {"image_file_b64": base64.b64encode(PHOTO + bytes(22 * 2**20)).decode()}),
    ("file_too_large", {"image_file_b64": "A" * (34 * 2**20)}),
    ("invalid_file_type", {"image_file": b"Dear all, this is a letter."}),
    ("invalid_file_type", {"image_file": encoded("GIF")}),
    ("invalid_file_type", {"image_file": encoded("TIFF")}),
    ("invalid_file_type", {"image_file": encoded("BMP")}),
    ("invalid_file_type", {"image_file": PHOTO, "bg_image_file": b"no picture"}),
    ("failed_to_read_image", {"image_file": PHOTO, "bg_image_file": png_with_text_that_unfolds()}),
    ("invalid_dimensions", {"image_file": png_of(70_000, 100)}),
    ("resolution_too_high", {"image_file": png_of(10_000, 5_001)}),
    ("failed_to_read_image", {"image_file_b64": "ü"}),
    ("failed_to_read_image", {"image_file": b"\x89PNG\r\n\x1a\n" + bytes(40)}),
    ("invalid_image_url", {"image_url": "ftp://example.org/a.jpg"}),
    ("invalid_image_url", {"image_url": "no address"}),
    ("invalid_image_url", {"image_url": "http://127.0.0.1/a.jpg"}),
    ("invalid_image_url", {"image_url": "http://169.254.169.254/latest/meta-data/"}),
    ("invalid_bg_image_url", {"image_file": PHOTO, "bg_image_url": "http://10.0.0.1/a.jpg"}),
    ("invalid_bg_image_url", {"image_file": PHOTO, "bg_image_url": "no address"}),
    ("roi_exceeds_bounds", {"image_file": PHOTO, "roi": "0px 0px 321px 240px"}),
    ("roi_region_empty", {"image_file": PHOTO, "roi": "10px 0px 10px 240px"}),
    ("invalid_size", {"image_file": PHOTO, "size": "gigantic"}),
    ("invalid_format", {"image_file": PHOTO, "format": "tiff"}),
    ("invalid_channels", {"image_file": PHOTO, "channels": "cmyk"}),
    ("invalid_roi", {"image_file": PHOTO, "roi": "here"}),
    ("invalid_crop_margin", {"image_file": PHOTO, "crop": "true", "crop_margin": "60%"}),
    ("invalid_scale", {"image_file": PHOTO, "scale": "5%"}),
    ("invalid_position", {"image_file": PHOTO, "position": "somewhere"}),
    ("invalid_semitransparency", {"image_file": PHOTO, "semitransparency": "a bit"}),
    ("invalid_bg_color", {"image_file": PHOTO, "bg_color": "no colour"}),
]


@pytest.mark.parametrize(("code", "fields"), SOURCES, ids=[f"{n}-{row[0]}" for n, row in enumerate(SOURCES)])
async def test_invalid_requests(caller: Caller, code: str, fields: dict[str, Any]) -> None:
    given = {name: file(value) if isinstance(value, bytes) else value for name, value in fields.items()}
    answer = await caller.form(given)
    assert answer.error == (400, code)
    assert answer.json["errors"][0]["title"] == errors.TITLES[code]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert not await Job.objects.aexists()
    assert not await Upload.objects.aexists()
    assert stored_files() == []


@pytest.mark.parametrize("path", ["/v1.0/removebg", "/v1.0/improve"])
@pytest.mark.parametrize(
    "fields",
    [
        {"image_file": b""},
        {"image_file": ""},
        {"image_file": "", "size": "auto"},
        {"image_file_b64": ""},
        {"image_file_b64": "data:image/png;base64,"},
    ],
)
async def test_an_empty_file_is_reported_as_empty(caller: Caller, fields: dict[str, Any], path: str) -> None:
    given = {name: file(value) if isinstance(value, bytes) else value for name, value in fields.items()}
    _is_empty(await caller.form(given, path))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b'{"image_file_b64": "", "size": "auto"}'),
        ("application/x-www-form-urlencoded", b"image_file_b64=&size=auto"),
    ],
)
async def test_empty_base64_is_an_empty_file(caller: Caller, kind: str, content: bytes) -> None:
    _is_empty(await caller.send(content, kind))


def _is_empty(answer: Answer) -> None:
    assert answer.error == (400, "failed_to_read_image")
    assert answer.json["errors"][0]["detail"].startswith("The file is empty (0 bytes).")


async def test_a_file_field_without_a_file_counts_as_not_sent(caller: Caller) -> None:
    """Browsers send such a field with an empty file name."""
    head = b'Content-Disposition: form-data; name="image_file"; filename=""\r\n'
    part = head + b"Content-Type: application/octet-stream\r\n\r\n"
    content = b"--x\r\n" + part + b"\r\n--x--\r\n"
    answer = await caller.send(content, "multipart/form-data; boundary=x")
    assert answer.error == (400, "missing_source")


async def test_image_file_is_only_taken_from_multipart(caller: Caller) -> None:
    text = base64.b64encode(PHOTO).decode()
    assert (await caller.json({"image_file": text})).error == (400, "missing_source")
    form = f"image_file={text}".encode()
    assert (await caller.send(form, "application/x-www-form-urlencoded")).error == (400, "missing_source")


async def test_null_counts_as_not_sent(caller: Caller) -> None:
    assert (await caller.json({"image_file_b64": None})).error == (400, "missing_source")


@pytest.mark.parametrize(
    ("field", "code"), [("image_url", "failed_image_download"), ("bg_image_url", "failed_bg_download")]
)
async def test_a_failed_download(caller: Caller, settings: Settings, field: str, code: str) -> None:
    settings.FETCH_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    given: dict[str, Any] = {field: f"http://127.0.0.1:{ports.any_free()}/a.jpg"}
    if field == "bg_image_url":
        given["image_file"] = file(PHOTO)
    assert (await caller.form(given)).error == (400, code)


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_no_foreground(caller: Caller) -> None:
    grey = io.BytesIO()
    Image.new("RGB", (320, 240), (128, 128, 128)).save(grey, "PNG")
    assert (await caller.form({"image_file": file(grey.getvalue())})).error == (400, "unknown_foreground")
    corner = await caller.form({"image_file": file(PHOTO), "roi": "0px 0px 9px 9px"})
    assert corner.error == (400, "unknown_foreground")


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_the_worker_detects_a_truncated_picture(caller: Caller) -> None:
    noise = make_picture(320, 240, format="PNG")
    assert (await caller.form({"image_file": file(noise[: len(noise) // 2])})).error == (
        400,
        "failed_to_read_image",
    )


async def test_missing_and_invalid_keys(caller: Caller, user: User) -> None:
    missing = await ask("POST", "/v1.0/removebg")
    assert (missing.status, missing.json) == (403, {"errors": [{"title": "Missing API Key"}]})
    for secret in ("nonsense", "bgp_" + "x" * 43):
        bad = await ask("POST", "/v1.0/removebg", headers={"X-Api-Key": secret})
        assert (bad.status, bad.json["errors"][0]["title"]) == (403, "API Key invalid")
        assert bad.json["errors"][0]["code"] == "auth_failed"
    await sync_to_async(tokens.revoke)(caller.token)
    assert (await caller.get("/v1.0/account")).error == (403, "auth_failed")


async def test_a_read_only_token(make_caller: Callable[..., Caller]) -> None:
    caller = await sync_to_async(make_caller)(("read",))
    assert (await caller.form({"image_file": file(PHOTO)})).error == (403, "auth_failed")
    assert (await caller.form({"image_file": file(PHOTO)}, path="/v1.0/improve")).error == (
        403,
        "auth_failed",
    )
    assert (await caller.get("/v1.0/account")).status == 200


async def test_other_networks_are_refused(make_caller: Callable[..., Caller]) -> None:
    caller = await sync_to_async(make_caller)(allowed_addresses=["198.51.100.0/24"])
    assert (await caller.get("/v1.0/account")).error == (403, "auth_failed")
    inside = await ask("GET", "/v1.0/account", headers={"X-Api-Key": caller.secret}, client="198.51.100.7")
    assert inside.status == 200


async def test_no_credits_left(caller: Caller, user: User) -> None:
    user.pictures_month = 0
    await user.asave()
    answer = await caller.form({"image_file": file(PHOTO)})
    assert answer.error == (402, "insufficient_credits")
    assert answer.json["errors"][0]["title"] == "Insufficient credits"
    assert stored_files() == []


async def test_too_many_in_flight_is_a_429_and_not_a_402(caller: Caller, user: User) -> None:
    user.in_flight = 0
    await user.asave()
    answer = await caller.form({"image_file": file(PHOTO)})
    assert answer.error == (429, "rate_limit_exceeded")
    assert int(answer.headers["Retry-After"]) >= 1
    # A picture of less than a megapixel counts as one.
    for seen in (answer, await caller.form({"file": file(PHOTO)}, path="/api/remove")):
        assert seen.status == 429
        assert seen.headers["X-RateLimit-Limit"] == "500"
        assert int(seen.headers["X-RateLimit-Remaining"]) in {498, 499, 500}
        assert int(seen.headers["X-RateLimit-Reset"]) > time.time() - 60


@pytest.mark.parametrize(
    ("scopes", "path", "detail"),
    [
        (("read",), "/v1.0/removebg", "This token lacks the scope submit."),
        (("read",), "/v1.0/improve", "This token lacks the scope submit."),
        (("read",), "/api/remove", "This token lacks the scope submit."),
        (("delete",), "/v1.0/account", "This token lacks the scope read or submit."),
    ],
)
async def test_a_token_without_the_scope(
    make_caller: Callable[..., Caller], scopes: tuple[str, ...], path: str, detail: str
) -> None:
    caller = await sync_to_async(make_caller)(scopes)
    answer = await (caller.get(path) if path.endswith("account") else caller.form({}, path))
    if path == "/api/remove":
        assert (answer.status, answer.json) == (401, {"detail": detail})
    else:
        assert (answer.error, answer.json["errors"][0]["detail"]) == ((403, "auth_failed"), detail)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("//v1.0/removebg", "errors"),
        ("/v1.0//removebg", "errors"),
        ("///v1.0///removebg/", "errors"),
        ("/v1.0", "errors"),
        ("/v1.0/", "errors"),
        ("/v1.0/nothing", "errors"),
        ("//api/remove", "detail"),
        ("/api//remove", "detail"),
        ("/api/remove/nothing", "detail"),
        ("//api/v1/jobs/", "code"),
        ("/api//v1/jobs/", "code"),
    ],
)
async def test_an_unknown_url(caller: Caller, method: str, path: str, expected: str) -> None:
    """If the base URL ends in a slash, clients request //v1.0/removebg."""
    answer = await ask(method, path, b"x" * 1000, {"X-Api-Key": caller.secret})
    if expected == "code" and method == "OPTIONS":
        assert answer.status == 405
        return
    assert answer.status == 404
    assert expected in answer.json
    if expected == "errors":
        assert answer.error == (404, "not_found")


async def test_the_rate_limit(caller: Caller, settings: Settings) -> None:
    settings.COMPAT_MEGAPIXELS_A_MINUTE = 3
    settings.SYNC_SECONDS = 0
    two = make_picture(1500, 1000, format="JPEG")
    slow = await caller.form({"image_file": file(two)})
    assert slow.headers["X-RateLimit-Remaining"] in {"1", "3"}
    answer = await caller.form({"image_file": file(make_picture(1500, 1001, format="JPEG"))})
    if int(slow.headers["X-RateLimit-Reset"]) > time.time():
        assert answer.error == (429, "rate_limit_exceeded")
        assert answer.headers["X-RateLimit-Limit"] == "3"
        assert answer.headers["X-RateLimit-Remaining"] == "1"
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert answer.headers["X-RateLimit-Reset"] == slow.headers["X-RateLimit-Reset"]


async def test_without_redis_there_is_no_rate_limit(
    caller: Caller, settings: Settings, redis_away: Callable[[], AbstractContextManager[None]]
) -> None:
    settings.SYNC_SECONDS = 0
    with redis_away():
        answer = await caller.form({"image_file": file(PHOTO)})
    # The broker is unavailable too, so nobody processes the picture; a later request finds the row.
    assert answer.error == (503, "still_working")
    assert answer.headers["X-RateLimit-Remaining"] == "500"
    assert await Job.objects.filter(state="active").acount() == 1


async def test_a_full_store_is_reported(caller: Caller, settings: Settings) -> None:
    settings.STORE_MIN_FREE_BYTES = 10_000
    with file_system(free=9_999):
        answer = await caller.form({"image_file": file(PHOTO)})
    assert (answer.error, answer.headers["Retry-After"]) == ((503, "unavailable"), "30")
    assert answer.json["errors"][0]["detail"].startswith(
        "This site has no room for more files at the moment."
    )
    assert not await Job.objects.aexists()


async def test_other_addresses_and_methods(caller: Caller) -> None:
    assert (await caller.get("/v1.0/removebg")).error == (405, "method_not_allowed")
    assert (await caller.get("/v1.0/removebg")).headers["Allow"] == "POST"
    assert (await caller.json({}, path="/v1.0/account")).error == (405, "method_not_allowed")
    assert (await caller.get("/v1.0/anything")).error == (404, "not_found")
    assert (await ask("GET", "/v1.0/")).headers["Access-Control-Allow-Origin"] == "*"


async def test_internal_errors_are_json(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.compat.sources.inspect_header", lambda *_: 1 / 0)
    answer = await caller.form({"image_file": file(PHOTO)})
    assert answer.error == (500, "internal_error")
    assert "Zero" not in answer.content.decode()


async def test_a_request_that_is_too_large(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.compat.body.max_body_bytes", lambda: 1000)
    assert (await caller.form({"image_file": file(PHOTO)})).error == (400, "file_too_large")


@pytest.mark.parametrize("path", ["/v1.0/removebg", "/v1.0/improve", "/v1.0/account", "/api/remove"])
async def test_cors_preflight(path: str) -> None:
    answer = await ask(
        "OPTIONS",
        path,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Headers": "x-api-key, content-type",
        },
    )
    assert (answer.status, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == "x-api-key, content-type"
    assert "OPTIONS" in answer.headers["Access-Control-Allow-Methods"]


async def test_a_background_deleted_meanwhile_is_a_503() -> None:
    error = errors.picture_error("invalid_background", "It is unknown here.")
    assert (error.status, error.code, error.headers) == (503, "unavailable", {"Retry-After": "5"})


async def test_every_code_has_a_title() -> None:
    assert {code for code, _ in SOURCES} <= set(errors.TITLES)
    assert set(errors.STATUSES) <= set(errors.TITLES)


async def test_the_account_has_exactly_these_keys(caller: Caller, user: User) -> None:
    everything = {
        "data": {
            "attributes": {
                "credits": {"total": 1_000_000, "subscription": 1_000_000, "payg": 0, "enterprise": 0},
                "api": {"free_calls": 0, "sizes": "all"},
            }
        }
    }
    assert (await caller.get("/v1.0/account")).json == everything
    user.plan = await Plan.objects.acreate(name="small", pictures_month=7)
    await user.asave()
    credits = (await caller.get("/v1.0/account")).json["data"]["attributes"]["credits"]
    assert credits == {"total": 7, "subscription": 7, "payg": 0, "enterprise": 0}

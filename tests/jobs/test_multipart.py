"""Multipart forms as API clients send them, at every address that accepts them; bodies without a
Content-Length.
"""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
import redis
from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParserError
from django.test import Client
from pytest_django import Settings

from accounts.models import Scope, User
from accounts.services import tokens
from bgplatform.asgi import application
from bgplatform.handler import with_length
from common.part_headers import MAX_LINE, PartHeaders, read_headers
from jobs.models import Picture, Upload
from jobs.multipart import MultiPartParser
from jobs.services import uploads
from tests.conftest import make_picture

PHOTO = make_picture(64, 48, format="JPEG")
FORM = "multipart/form-data; boundary=BB"


def part(disposition: bytes, data: bytes, *more: bytes) -> bytes:
    head = b"\r\n".join([b"Content-Disposition: form-data; " + disposition, *more])
    return b"--BB\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--BB--\r\n"


def parsed(body: bytes, kind: str = FORM) -> tuple[QueryDict, Any]:
    meta = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}
    handlers = [MemoryFileUploadHandler(), TemporaryFileUploadHandler()]
    return MultiPartParser(meta, io.BytesIO(body), handlers).parse()


class TestHeads:
    """The headers of a part."""

    @pytest.mark.parametrize(
        ("disposition", "name", "file_name"),
        [
            (b'form-data; name="file"', "file", None),
            (b'form-data; name="file"; filename=""', "file", ""),
            (b'form-data; name="file"; filename="caf\xc3\xa9.jpg"', "file", "café.jpg"),
            (b'form-data; name="file"; filename="caf\xe9.jpg"', "file", "café.jpg"),
            (b"form-data; name=file; filename*=UTF-8''caf%C3%A9.jpg", "file", "café.jpg"),
            (b"form-data; name=file; filename*=iso-8859-1''caf%E9.jpg", "file", "café.jpg"),
            (b"form-data; name=file; filename*=nothing''caf%E9.jpg", "file", None),
            (b"attachment; name=file; filename=a.jpg", "file", "a.jpg"),
        ],
    )
    def test_a_name_in_any_encoding(self, disposition: bytes, name: str, file_name: str | None) -> None:
        assert read_headers(b"content-disposition:" + disposition) == PartHeaders(name, file_name)

    def test_no_field(self) -> None:
        assert read_headers(b"Content-Type: image/png") is None
        assert read_headers(b"Content-Disposition: form-data") is None
        assert read_headers(b"") is None

    def test_a_line_that_is_too_long(self) -> None:
        with pytest.raises(ValueError, match="longer than 1024 bytes"):
            read_headers(b"Content-Disposition: form-data; name=a; x=" + b"x" * MAX_LINE)

    def test_all_of_it(self) -> None:
        head = b"Content-Type: image/png; charset=utf-8\r\nContent-Length: 12\r\n"
        head += b"Content-Transfer-Encoding: Base64"
        assert read_headers(b"Content-Disposition: form-data; name=a\r\n" + head) == PartHeaders(
            "a", None, "image/png", {"charset": "utf-8"}, "base64", 12
        )


class TestForms:
    """Which parts are files, and the limits of a form."""

    @pytest.mark.parametrize(
        ("disposition", "name"),
        [
            (b'name="pictures"', "picture"),
            (b'name="pictures"; filename=""', "picture"),
            (b'name="pictures"; filename="caf\xe9.jpg"', "café.jpg"),
            (b'name="pictures"; filename="C:\\\\photos\\\\a.jpg"', "a.jpg"),
            (b'name="other"; filename="a.jpg"', "a.jpg"),
        ],
    )
    def test_a_file(self, disposition: bytes, name: str) -> None:
        text, files = parsed(form(part(disposition, PHOTO), part(b'name="title"', "Ü".encode())))
        ((field, (file,)),) = files.lists()
        assert (field, file.name, file.read()) == (
            disposition.split(b'"')[1].decode(),
            name,
            PHOTO,
        )
        assert text.dict() == {"title": "Ü"}

    def test_an_empty_file_field(self) -> None:
        text, files = parsed(form(part(b'name="pictures"; filename=""', b""), part(b'name="file"', b"")))
        assert (dict(text), dict(files)) == ({}, {})

    def test_an_empty_file_with_a_name(self) -> None:
        _, files = parsed(form(part(b'name="file"; filename="a.jpg"', b"")))
        assert (files["file"].name, files["file"].size) == ("a.jpg", 0)

    def test_a_large_file_that_holds_what_looks_like_a_boundary(self) -> None:
        data = (b"\r\n--B" + bytes(1000)) * 5000
        _, files = parsed(form(part(b'name="file"', data), part(b'name="file"', b"second")))
        first, second = files.getlist("file")
        assert (first.size, second.read()) == (len(data), b"second")
        assert first.read() == data
        first.close()

    def test_base64(self) -> None:
        encoded = part(b'name="file"', b"aGVs\r\nbG8=", b"Content-Transfer-Encoding: base64")
        words = part(b'name="title"', b"aGVsbG8=", b"Content-Transfer-Encoding: base64")
        text, files = parsed(form(encoded, words))
        assert (files["file"].read(), text["title"]) == (b"hello", "hello")
        with pytest.raises(MultiPartParserError, match="incomplete"):
            parsed(form(part(b'name="file"', b"aGVsb", b"Content-Transfer-Encoding: base64")))

    def test_upper_case(self) -> None:
        text, _ = parsed(form(part(b'name="a"', b"1")), "Multipart/Form-Data; boundary=BB")
        assert text.dict() == {"a": "1"}

    def test_a_preamble_and_an_end(self) -> None:
        text, _ = parsed(b"To whom it may concern\r\n" + form(part(b'name="a"', b"1")) + b"Bye")
        assert text.dict() == {"a": "1"}

    def test_bounds(self, settings: Settings) -> None:
        settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
        settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
        word, file = part(b'name="a"', b"1"), part(b'name="file"', b"1")
        text, files = parsed(form(*[word] * 3, *[file] * 2))
        assert (text.getlist("a"), len(files.getlist("file"))) == (["1"] * 3, 2)
        with pytest.raises(TooManyFieldsSent):
            parsed(form(*[word] * 5))
        with pytest.raises(TooManyFieldsSent):
            parsed(b"--BB\r\n\r\n" * 6)
        with pytest.raises(TooManyFilesSent):
            parsed(form(*[file] * 3))
        with pytest.raises(RequestDataTooBig):
            parsed(form(part(b'name="a"', b"1" * 400), part(b'name="a"', b"1" * 600)))
        with pytest.raises(MultiPartParserError, match="8192"):
            parsed(form(part(b'name="a"', b"1", *[b"x: y"] * 2000)))


def test_the_length_of_a_chunked_body() -> None:
    chunked = {"headers": [(b"host", b"a"), (b"transfer-encoding", b"chunked")]}
    assert with_length(chunked, io.BytesIO(b"12345"))["headers"] == [
        (b"host", b"a"),
        (b"content-length", b"5"),
    ]
    assert with_length(chunked, io.BytesIO(b"")) is chunked
    said = {"headers": [(b"content-length", b"5")]}
    assert with_length(said, io.BytesIO(b"12345")) is said


async def send(path: str, body: bytes, kind: str, *, chunked: bool, **headers: str) -> tuple[int, Any]:
    """Sends one POST as the server does, in chunks of 1,000 bytes. Returns the status and the JSON."""
    address, _, query = path.partition("?")
    length = {"transfer-encoding": "chunked"} if chunked else {"content-length": str(len(body))}
    given = {"host": "localhost", "content-type": kind, **length, **headers}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": address,
        "raw_path": address.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.replace("_", "-").lower().encode(), text.encode()) for name, text in given.items()],
        "client": ("192.0.2.9", 4711),
        "server": ("localhost", 80),
    }
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def keep(message: Any) -> None:
        sent.append(dict(message))

    await application(scope, receive, keep)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], json.loads(content) if content[:1] == b"{" else content


@pytest.fixture
def authorization(user: User, valkey: redis.Redis) -> str:
    _, secret = tokens.create(user, "program", Scope.values)
    return f"Token {secret}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("chunked", [True, False])
class TestEndpoints:
    """Every address that accepts a multipart form."""

    @pytest.mark.parametrize(
        ("disposition", "name"),
        [
            (b'name="pictures"', "picture"),
            (b'name="pictures"; filename="caf\xe9.jpg"', "café.jpg"),
        ],
    )
    async def test_a_job(self, authorization: str, chunked: bool, disposition: bytes, name: str) -> None:
        body = form(part(disposition, PHOTO, b"Content-Type: image/jpeg"), part(b'name="format"', b"webp"))
        status, said = await send("/api/v1/jobs/", body, FORM, chunked=chunked, authorization=authorization)
        assert status == 201, said
        assert said["recipe"]["format"] == "webp"
        picture = await Picture.objects.aget()
        assert (picture.name, picture.source_size) == (name, len(PHOTO))

    async def test_an_upload_of_a_program(self, authorization: str, user: User, chunked: bool) -> None:
        upload = await sync_to_async(uploads.start)(user, "a.jpg", len(PHOTO))
        body = form(part(b'name="file"', PHOTO))
        address = f"/api/v1/uploads/{upload.pk}/"
        answer = await send(f"{address}body/", body, FORM, chunked=chunked, authorization=authorization)
        assert answer == (204, b"")
        _, said = await send(
            f"{address}finish/", b"{}", "application/json", chunked=False, authorization=authorization
        )
        assert (said["state"], said["size"]) == ("uploaded", len(PHOTO))

    async def test_an_upload_of_the_page(self, client: Client, user: User, chunked: bool) -> None:
        cookies = await sync_to_async(_signed_in)(client, user)
        upload = await sync_to_async(uploads.start)(user, "a.jpg", len(PHOTO))
        body = form(part(b'name="file"', PHOTO), part(b'name="csrfmiddlewaretoken"', _CSRF.encode()))
        address = f"/uploads/{upload.pk}/body/"
        status, said = await send(address, body, FORM, chunked=chunked, cookie=cookies)
        assert status == 204, said

    async def test_json(self, authorization: str, chunked: bool) -> None:
        body = b'{"name": "a.jpg", "size": 100}'
        status, said = await send(
            "/api/v1/uploads/", body, "application/json", chunked=chunked, authorization=authorization
        )
        assert (status, said["name"]) == (201, "a.jpg")
        assert await Upload.objects.acount() == 1


_CSRF = "a" * 32


def _signed_in(client: Client, user: User) -> str:
    client.force_login(user, backend="accounts.backends.AuthenticationBackend")
    return f"sessionid={client.cookies['sessionid'].value}; csrftoken={_CSRF}"

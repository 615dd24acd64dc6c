"""Large bodies are accepted only at upload addresses, with credentials."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import ApiToken, User
from accounts.services import tokens
from bgplatform import credentials
from bgplatform.body_limit import REFUSAL
from bgplatform.handler import Handler
from bgplatform.large_bodies import AT_ONCE, ESCAPES_REFUSAL, MAX_ESCAPES, LargeBodies

FORM = b"application/x-www-form-urlencoded"


class Site:
    """The application behind the limit reads the body and returns its length; as a client, it sends and
    receives.
    """

    def __init__(self, *, known: bool = False) -> None:
        self.known = known
        self.reached: list[int] = []
        self.taken = 0

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        self.reached.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(size).encode()})

    async def answer(
        self,
        path: str,
        *pieces: bytes,
        method: str = "POST",
        chunked: bool = False,
        kind: bytes = b"a/b",
        expect: bool = False,
    ) -> tuple[int, bytes, dict[bytes, bytes]]:
        """Returns status, body and headers of the response to one request that offers the whole body."""
        size = b"%d" % sum(map(len, pieces))
        length = (b"transfer-encoding", b"chunked") if chunked else (b"content-length", size)
        headers = [(b"content-type", kind), length, *([(b"expect", b"100-continue")] if expect else [])]
        scope = {"type": "http", "method": method, "path": path, "headers": headers}
        left, got = list(pieces), []

        async def receive() -> dict[str, Any]:
            self.taken += 1
            if not left:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        async def send(message: Any) -> None:
            got.append(message)

        async def known(_: Any) -> int | None:
            return 7 if self.known else None

        bound = LargeBodies(
            self.application,
            small=1000,
            uploads=(r"/up/[a-z]+/", r"/own/"),
            find_account=known,
            own_forms=lambda path: path == "/own/",
        )
        await bound(scope, receive, send)
        return got[0]["status"], b"".join(one.get("body", b"") for one in got[1:]), dict(got[0]["headers"])


BIG = [b"x" * 600] * 4


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("path", "method"), [("/", "POST"), ("/up/", "POST"), ("/up/a/", "PUT"), ("/up/a/b/", "POST")]
)
async def test_other_addresses_accept_small_bodies_only(path: str, method: str, chunked: bool) -> None:
    site = Site(known=True)
    status, body, headers = await site.answer(path, *BIG, method=method, chunked=chunked)
    assert (status, json.loads(body)) == (413, REFUSAL)
    assert headers[b"connection"] == b"close"
    assert site.reached == []
    assert (await site.answer(path, b"x" * 1000, method=method, chunked=chunked))[0] == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_authenticated_upload_is_read_completely(chunked: bool) -> None:
    assert (await Site(known=True).answer("/up/a/", *BIG, chunked=chunked))[:2] == (200, b"2400")


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_unauthenticated_upload_gets_the_answer_to_an_empty_body(chunked: bool) -> None:
    site = Site()
    status, body, headers = await site.answer("/up/a/", *BIG, chunked=chunked)
    assert (status, body) == (200, b"0")
    assert headers[b"connection"] == b"close"
    assert site.taken == 4, "the rest is dropped, so that the answer can be read"


async def test_an_unauthenticated_client_gets_no_100_continue() -> None:
    """uvicorn writes `100 Continue` when the application reads the body."""
    site = Site()
    await site.answer("/up/a/", *BIG, expect=True)
    assert site.taken == 0


@pytest.mark.parametrize("kind", [FORM, FORM + b"; charset=utf-8", FORM.upper()])
async def test_escapes_are_counted_before_they_are_parsed(kind: bytes) -> None:
    site = Site(known=True)
    most = b"%41" * MAX_ESCAPES
    assert (await site.answer("/up/a/", most, kind=kind))[0] == 200
    status, body, _ = await site.answer("/up/a/", most[:300], most, kind=kind)
    assert (status, json.loads(body)) == (413, ESCAPES_REFUSAL)
    assert (await site.answer("/own/", most, most, kind=kind))[0] == 200, "it counts them itself"


async def test_an_accounts_large_bodies_take_turns() -> None:
    """A body that waits is not read from the network: uvicorn pauses after 64 KB."""
    reading, most, accounts = Counter[int](), Counter[int](), iter([1, 1, 1, 1, 1, 1, 2])

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    async def known(scope: Any) -> int:
        return int(scope["account"])

    bound = LargeBodies(application, small=1000, uploads=("/",), find_account=known)

    async def one(account: int, *, goes_away: bool) -> None:
        pieces = 3

        async def receive() -> dict[str, Any]:
            nonlocal pieces
            reading[account] += pieces == 3
            most[account] = max(most[account], reading[account])
            await asyncio.sleep(0)
            pieces -= 1
            reading[account] -= pieces == 0
            if goes_away and not pieces:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": b"x", "more_body": pieces > 0}

        headers = [(b"content-length", b"2000")]
        scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "account": account}
        await bound(scope, receive, None)  # type: ignore[arg-type]  # nobody answers

    await asyncio.gather(
        *(one(account, goes_away=number % 2 == 0) for number, account in enumerate(accounts))
    )
    assert most == {1: AT_ONCE, 2: 1}
    assert reading.total() == 0


def scope_of(**headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/uploads/",
        "query_string": b"",
        "client": ("192.0.2.7", 1),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }


@pytest.mark.django_db(transaction=True)
async def test_credentials_are_looked_up(user: User, settings: Settings) -> None:
    client = Client()
    await sync_to_async(client.force_login)(user, backend="accounts.backends.AuthenticationBackend")
    session = client.cookies["sessionid"].value
    token, secret = await sync_to_async(tokens.create)(user, "a", ["submit"])
    assert user.pk == await credentials.account_of(scope_of(cookie=f"sessionid={session}"))
    assert user.pk == await credentials.account_of(scope_of(authorization=f"Token {secret}"))
    assert user.pk == await credentials.account_of(scope_of(x_api_key=secret))
    assert None is await credentials.account_of(scope_of())
    assert None is await credentials.account_of(scope_of(cookie="sessionid=" + "a" * 32))
    assert None is await credentials.account_of(scope_of(x_api_key=secret[:-1] + "."))
    await ApiToken.objects.filter(pk=token.pk).aupdate(allowed_addresses=["192.0.2.8"])
    assert None is await credentials.account_of(scope_of(x_api_key=secret))
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)
    assert None is await credentials.account_of(scope_of(cookie=f"sessionid={session}"))


def test_every_view_that_takes_files_is_in_upload_addresses(settings: Settings) -> None:
    """A form with as many uploads as a job may have is not a large body."""
    identity = "0197a1b2-0000-7000-8000-000000000000"
    paths = [
        "/jobs/",
        f"/uploads/{identity}/body/",
        "/api/v1/jobs/",
        f"/api/v1/uploads/{identity}/body/",
        f"/api/v1/pictures/{identity}/mattes/",
        "/v1.0/removebg",
        "/v1.0/improve",
        "/api/remove",
    ]
    matched = [any(re.fullmatch(one, path) for one in settings.UPLOAD_ADDRESSES) for path in paths]
    assert matched == [True] * len(paths)
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == 256 * 1024
    assert len(f"uploads={identity}&") * settings.MAX_JOB_PICTURES < settings.DATA_UPLOAD_MAX_MEMORY_SIZE


@pytest.mark.django_db(transaction=True)
async def test_files_are_closed_when_the_client_disconnects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django closes a request's files with the response, and there is none when the client disconnects."""
    files: list[Any] = []
    reading = asyncio.Event()

    async def view(request: HttpRequest) -> HttpResponse:
        files.append(request.FILES["file"])
        reading.set()
        await asyncio.sleep(3600)
        return HttpResponse()

    handler = Handler()
    monkeypatch.setattr(handler, "get_response_async", view)
    body = (
        b'--m\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + b"a" * 2**20
        + b"\r\n--m--\r\n"
    )
    scope = {**scope_of(content_type="multipart/form-data; boundary=m"), "scheme": "http"}
    scope["headers"].append((b"content-length", b"%d" % len(body)))
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await reading.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        raise AssertionError("there is no answer")

    await handler(scope, receive, send)
    assert [file.closed for file in files] == [True]

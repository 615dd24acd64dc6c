"""The compatible APIs as clients see them: over ASGI, with a real worker and a real Valkey."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dramatiq
import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accounts.models import ApiToken, User
from accounts.services import tokens
from bgplatform.asgi import application
from common import redis_client
from segmentation import weights

Scope = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.content)

    @property
    def error(self) -> tuple[int, str]:
        """Status and code of the first error (its title if it has no code)."""
        first = self.json["errors"][0]
        return self.status, first.get("code", first["title"])


async def ask(
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    client: str = "192.0.2.9",
) -> Answer:
    """Sends one request to the ASGI application, as the server would."""
    address, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": address,
        "raw_path": address.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode())
            for name, value in {"Host": "localhost", **(headers or {})}.items()
        ],
        "client": (client, 4711),
        "server": ("localhost", 80),
    }
    incoming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await application(scope, receive, send)
    start = sent[0]
    said = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], said, b"".join(message.get("body", b"") for message in sent[1:]))


@dataclass
class Caller:
    """A client with a token."""

    token: ApiToken
    secret: str

    async def get(self, path: str) -> Answer:
        """Sends a GET with the key."""
        return await ask("GET", path, headers={"X-Api-Key": self.secret})

    async def form(self, fields: dict[str, Any], path: str = "/v1.0/removebg", **headers: str) -> Answer:
        """Sends a multipart form; values with a `read` method are files."""
        return await self.send(encode_multipart(BOUNDARY, fields), MULTIPART_CONTENT, path, **headers)

    async def json(self, value: object, path: str = "/v1.0/removebg", **headers: str) -> Answer:
        """Sends JSON."""
        return await self.send(json.dumps(value).encode(), "application/json", path, **headers)

    async def send(self, body: bytes, kind: str, path: str = "/v1.0/removebg", **headers: str) -> Answer:
        """Sends a body of any type."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask("POST", path, body, {"X-Api-Key": self.secret, "Content-Type": kind, **said})


@pytest.fixture(autouse=True)
def _own_clients() -> None:
    """Each test has an emptied Valkey, so no connection state may carry over."""
    redis_client.connect.cache_clear()


@pytest.fixture
def make_caller(user: User) -> Callable[..., Caller]:
    """Makes clients of a user, by default ada."""

    def make(
        scopes: tuple[str, ...] = ("read", "submit"), owner: User | None = None, **options: Any
    ) -> Caller:
        return Caller(*tokens.create(owner or user, "program", scopes, **options))

    return make


@pytest.fixture
def caller(make_caller: Callable[..., Caller]) -> Caller:
    """A client with the scopes read and submit."""
    return make_caller()


@pytest.fixture
def worker(valkey: object) -> Iterator[None]:
    """A worker's threads in this process, with the small network."""
    if weights.verified("u2netp") is None:
        pytest.skip("the weights of u2netp were not pulled")
    from bgplatform.broker import broker
    from jobs import actors

    assert actors.render
    # A worker adds middleware to the broker and does not remove it.
    before = list(broker.middleware)
    working = dramatiq.Worker(broker, queues={"interactive"}, worker_timeout=20, worker_threads=2)
    working.start()
    yield
    working.stop()
    broker.middleware[:] = before

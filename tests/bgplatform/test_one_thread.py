"""All middleware of a request runs in one thread with one switch: a busy event loop delays it once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.deprecation import MiddlewareMixin

from bgplatform.handler import Handler

seen: list[tuple[str, int]] = []


def note(what: str) -> None:
    seen.append((what, threading.get_ident()))


class Noted(MiddlewareMixin):
    """Hybrid (sync and async) middleware, like Django's own."""

    def process_request(self, request: HttpRequest) -> None:
        note("request")

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        note("response")
        return response


def plain(request: HttpRequest) -> HttpResponse:
    note("view")
    return HttpResponse(b"plain")


async def waiting(request: HttpRequest) -> HttpResponse:
    note("view")
    await asyncio.sleep(0)
    return HttpResponse(b"waited")


urlpatterns = [path("plain/", plain), path("waiting/", waiting)]
ME = f"{__name__}.Noted"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records what a request sends to threads, in order."""
    made: list[str] = []
    handed_over = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **named: Any) -> Any:
        made.append(getattr(self.func, "__qualname__", ""))
        return await handed_over(self, *args, **named)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    seen.clear()
    return made


async def body_of(address: str) -> bytes:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[ME, ME, ME]):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": address,
            "raw_path": address.encode(),
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }
        client = ApplicationCommunicator(Handler(), scope)
        await client.send_input({"type": "http.request", "body": b""})
        assert (await client.receive_output(timeout=60))["status"] == 200
        content = (await client.receive_output(timeout=60))["body"]
        await client.wait(timeout=60)
        assert isinstance(content, bytes)
        return content


async def test_a_page_switches_to_its_thread_once(calls: list[str]) -> None:
    assert await body_of("/plain/") == b"plain"
    assert [what for what, _ in seen] == ["request"] * 3 + ["view"] + ["response"] * 3
    assert len({thread for _, thread in seen}) == 1
    assert not [name for name in calls if name.startswith("MiddlewareMixin") or "process_" in name]
    assert calls.count("convert_exception_to_response.<locals>.inner") == 1


async def test_an_async_view_waits_in_the_event_loop(calls: list[str]) -> None:
    assert await body_of("/waiting/") == b"waited"
    threads = dict(seen)
    assert threads["view"] == threading.get_ident()
    assert threads["request"] == threads["response"] != threads["view"]
    assert calls.count("convert_exception_to_response.<locals>.inner") == 1

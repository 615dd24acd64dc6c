"""docs/api/webhooks.md: the example receivers run as printed and accept our real messages."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import redis
from pytest_django import Settings

from accounts.models import User
from bgplatform.local import ports, process_tree
from jobs import fetching
from jobs.models import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import deliveries, notifications, secrets, services
from tests.waiting import until

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "api" / "webhooks.md"
NODE = shutil.which("node")


def example(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def answer(url: str, body: str, headers: dict[str, str]) -> int:
    return fetching.send(url, body.encode(), headers, seconds=20).status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "command", "suffix"),
    [
        ("python", [sys.executable], ".py"),
        pytest.param(
            "javascript",
            [str(NODE)],
            ".mjs",
            marks=pytest.mark.skipif(NODE is None, reason="no Node.js here"),
        ),
    ],
)
def test_the_guides_receivers_accept_our_messages_once_and_refuse_others(
    language: str,
    command: list[str],
    suffix: str,
    user: User,
    valkey: redis.Redis,
    queued: Callable[[str], list[str]],
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.FETCH_PRIVATE_NETWORKS, settings.SITE_URL = ["127.0.0.1"], "https://cut.example.org"
    port = ports.any_free()
    url = f"http://127.0.0.1:{port}/"
    endpoint, secret = services.create(user, url)
    old, new = secret, services.rotate(endpoint)
    program = tmp_path / f"receiver{suffix}"
    program.write_text(example(language))
    for known in (old, new):
        said = tmp_path / f"said-{known == old}"
        with (
            said.open("wb") as out,
            subprocess.Popen(
                [*command, str(program)],
                env={"PATH": os.environ["PATH"], "WEBHOOK_SECRET": known, "PORT": str(port)},
                stdout=out,
                preexec_fn=process_tree.die_with_parent,
            ) as receiver,
        ):
            try:
                until(lambda: listens(port), "the receiver listens", 60)
                check(endpoint, queued, valkey, url)
            finally:
                receiver.terminate()
        assert said.read_text() == f"webhook.test https://cut.example.org/api/v1/webhooks/{endpoint.pk}/\n"


def check(
    endpoint: WebhookEndpoint, queued: Callable[[str], list[str]], valkey: redis.Redis, url: str
) -> None:
    """The receiver accepts a message, ignores its duplicate, and refuses forged and old messages."""
    delivery = notifications.test(endpoint)
    for _ in range(2):
        (message,) = queued("webhooks")
        valkey.delete("dramatiq:webhooks", "dramatiq:webhooks.msgs")
        deliveries.deliver(UUID(message))
        delivery.refresh_from_db()
        assert delivery.state == "delivered"
        deliveries.replay(delivery)
    WebhookDelivery.objects.all().delete()
    valkey.flushall()

    body, name = delivery.message.body, delivery.message.name

    def signed(at: datetime) -> dict[str, str]:
        return {
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": secrets.sign(endpoint, name, at, body),
        }

    now = datetime.now().astimezone()
    assert answer(url, body, signed(now)) == 204
    assert answer(url, body + " ", signed(now)) == 400
    assert answer(url, body, {**signed(now), "webhook-id": "msg_other"}) == 400
    assert answer(url, body, {**signed(now), "webhook-signature": "v1,AAAA v2,BBBB"}) == 400
    assert answer(url, body, {}) == 400
    assert answer(url, body, signed(now - timedelta(minutes=6))) == 400


def test_the_guide_lists_every_event_and_the_retries() -> None:
    text = GUIDE.read_text()
    for event in (*WebhookEndpoint.EVENTS, "webhook.test"):
        assert f"| `{event}` |" in text
    assert deliveries.BACK_OFF == (5, 300, 1800, 7200, 18000, 28800, 28800)
    assert "after 5 seconds, 5 minutes, 30 minutes, 2, 5, 8 and 8 hours" in text
    assert "```json" in text

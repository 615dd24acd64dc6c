"""Webhooks, tokens, the account and its usage through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ApiToken, Scope, User
from jobs.models import WebhookDelivery, WebhookEndpoint
from jobs.services import removal
from tests.conftest import make_job
from tests.jobs.api.program import Program

pytestmark = pytest.mark.django_db
HOOK = "https://example.org/hook"


def test_the_life_of_a_webhook(program: Program) -> None:
    made = program.post("webhooks/", {"url": HOOK, "events": ["job.finished"], "description": "mine"})
    assert made.status_code == 201, made.json()
    assert made["Cache-Control"] == "no-store"
    said = made.json()
    secret = said.pop("secret")
    assert secret.startswith("whsec_")
    assert (said["endpoint"], said["events"], said["enabled"]) == (HOOK, ["job.finished"], True)
    assert program.get(said["url"]).json() == said
    assert program.get("webhooks/").json()["results"] == [said]
    rotated = program.post(f"{said['url']}rotate/").json()["secret"]
    assert rotated != secret

    changed = program.ask(
        "patch", said["url"], {"enabled": False, "events": ["picture.failed", "picture.done"]}
    )
    assert (changed.json()["enabled"], changed.json()["disabled_reason"]) == (False, "owner")
    assert changed.json()["events"] == ["picture.done", "picture.failed"]
    refused = program.post(f"{said['url']}test/")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
    assert not WebhookDelivery.objects.exists()
    assert program.ask("patch", said["url"], {"enabled": True}).json()["enabled"] is True

    sent = program.post(f"{said['url']}test/")
    assert (sent.status_code, sent.json()["event"], sent.json()["state"]) == (202, "webhook.test", "waiting")
    log = program.get(said["deliveries_url"]).json()["results"]
    assert [delivery["id"] for delivery in log] == [sent.json()["id"]]
    now = timezone.now()
    WebhookDelivery.objects.update(state="failed", next_at=None, ended_at=now, sent_at=None, token=None)
    again = program.post(f"deliveries/{sent.json()['id']}/replay/")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    program.ask("patch", said["url"], {"enabled": False})
    before = WebhookDelivery.objects.values().get()
    refused = program.post(f"deliveries/{sent.json()['id']}/replay/")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
    assert WebhookDelivery.objects.values().get() == before
    assert program.ask("delete", said["url"]).status_code == 204
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "required", "url"),
        ({"url": "http://127.0.0.1/"}, "forbidden_address", "url"),
        ({"url": "ftp://example.org/"}, "invalid_url", "url"),
        ({"url": HOOK, "events": ["moon.rise"]}, "invalid_choice", "events.0"),
        ({"url": HOOK, "events": []}, "empty", "events"),
    ],
)
def test_invalid_webhooks(program: Program, body: Any, code: str, field: str) -> None:
    refused = program.post("webhooks/", body)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, code, field)


def test_the_life_of_a_token(program: Program, user: User) -> None:
    made = program.post("tokens/", {"name": "reader", "scopes": ["read"]})
    assert made.status_code == 201, made.json()
    assert made["Cache-Control"] == "no-store"
    said = made.json()
    secret = said.pop("secret")
    assert secret.startswith(said["prefix"])
    reader = Program.of(secret)
    assert reader.get("jobs/").status_code == 200
    assert program.get(f"tokens/{said['id']}/").json()["last_used_from"] == "127.0.0.1"
    assert said["id"] in [token["id"] for token in program.get("tokens/").json()["results"]]
    rotated = program.post(f"tokens/{said['id']}/rotate/").json()["secret"]
    assert reader.get("jobs/").json()["code"] == "invalid_token"
    assert Program.of(rotated).get("jobs/").status_code == 200
    assert program.ask("delete", f"tokens/{said['id']}/").status_code == 204
    assert Program.of(rotated).get("jobs/").json()["code"] == "revoked_token"
    refused = program.post(f"tokens/{said['id']}/rotate/")
    assert (refused.status_code, refused.json()["code"]) == (409, "token_over")
    assert said["made_by"] == program.token.pk
    assert secret not in str(list(ApiToken.objects.values()))


def test_revoking_a_token_revokes_those_it_created_or_rotated(program: Program, user: User) -> None:
    leaked = Program(user, "read", "submit", "delete")
    made = Program.of(leaked.post("tokens/", {"name": "made", "scopes": ["read", "submit"]}).json()["secret"])
    grandchild = Program.of(made.post("tokens/", {"name": "more", "scopes": ["read"]}).json()["secret"])
    victim = Program(user, "read")
    taken = Program.of(leaked.post(f"tokens/{victim.token.pk}/rotate/").json()["secret"])
    assert [one.get("jobs/").status_code for one in (made, grandchild, taken)] == [200] * 3
    assert program.ask("delete", f"tokens/{leaked.token.pk}/").status_code == 204
    assert [one.get("jobs/").json()["code"] for one in (made, grandchild, taken)] == ["revoked_token"] * 3
    assert program.get("jobs/").status_code == 200


def test_a_token_cannot_delegate_more_than_its_own_rights(user: User) -> None:
    soon = timezone.now() + timedelta(days=1)
    caller = Program(user, "read", "submit", "delete", expires_at=soon, allowed_addresses=["127.0.0.0/8"])
    for body, code in (
        ({"scopes": ["read", "webhooks"]}, "scope_exceeds"),
        ({"scopes": ["read"], "expires_at": (soon + timedelta(seconds=1)).isoformat()}, "expiry_exceeds"),
        ({"scopes": ["read"], "expires_at": None}, "expiry_exceeds"),
        ({"scopes": ["read"], "allowed_addresses": []}, "addresses_exceed"),
        ({"scopes": ["read"], "allowed_addresses": ["127.0.0.1", "10.0.0.1"]}, "addresses_exceed"),
        ({"scopes": ["read"], "allowed_addresses": ["::1"]}, "addresses_exceed"),
    ):
        refused = caller.post("tokens/", {"name": "more", **body})
        assert (refused.status_code, refused.json()["code"]) == (403, code)
    made = caller.post("tokens/", {"name": "less", "scopes": ["read"]}).json()
    child = ApiToken.objects.get(pk=made["id"])
    assert (child.expiry, child.allowed_addresses) == (soon, ["127.0.0.0/8"])
    mightier = Program(user).token
    for method, path in (("post", f"tokens/{mightier.pk}/rotate/"), ("delete", f"tokens/{mightier.pk}/")):
        refused = caller.ask(method, path, {} if method == "post" else None)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_exceeds")
    mightier.refresh_from_db()
    assert mightier.revoked_at is None
    assert caller.post(f"tokens/{caller.token.pk}/rotate/").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["read"]}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scopes.0"),
        ({"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "scopes": ["read"], "allowed_addresses": ["home"]}, "allowed_addresses"),
        ({"name": " ", "scopes": ["read"]}, "name"),
    ],
)
def test_invalid_tokens_are_not_created(program: Program, body: Any, field: str) -> None:
    refused = program.post("tokens/", body)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


def test_usage(program: Program, user: User) -> None:
    User.objects.filter(pk=user.pk).update(pictures_month=5)
    job = make_job(user, 2)
    meters = {meter["name"]: meter for meter in program.get("usage/").json()["meters"]}
    assert (meters["pictures"]["limit"], meters["pictures"]["used"], meters["pictures"]["left"]) == (5, 2, 3)
    assert meters["in_flight"]["used"] == 2
    assert meters["storage"]["used"] > 0
    account = program.get("account/").json()
    assert (account["email"], account["scopes"]) == (user.email, list(Scope.values))
    assert account["usage"]["meters"][0]["left"] == 3
    removal.cancel(job)
    lines = program.get("usage/ledger/").json()["results"]
    assert [(line["kind"], line["pictures"], line["reason"]) for line in lines] == [
        ("refund", 2, "cancelled"),
        ("charge", 2, "submitted"),
    ]
    assert {line["job"] for line in lines} == {str(job.pk)}
    first = program.get("usage/ledger/?limit=1").json()
    assert program.get(first["next"]).json()["results"] == lines[1:]
